"""What the demo and the tests run against: an Ed-Fi API and a Campus database. Never imported by `edfi_cte`."""
