#!/bin/sh
# Run once by the Alliance's ods-api-db-admin image: one ODS, and one key for the sample district.
# The tables are those of ODS/API 7.3 (EdFi_Admin).
set -eu
psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname EdFi_Admin \
  --set ods="host=ed-fi-db-ods;port=5432;username=$POSTGRES_USER;password=$POSTGRES_PASSWORD;database=EdFi_Ods;application name=EdFi.Ods.WebApi" \
  --set key="$EDFI_KEY" --set secret="$EDFI_SECRET" --set district="$EDFI_DISTRICT" <<'SQL'
INSERT INTO dbo.OdsInstances (Name, InstanceType, ConnectionString) VALUES ('default', 'ODS', :'ods');
INSERT INTO dbo.Vendors (VendorName) VALUES ('edfi-cte');
INSERT INTO dbo.VendorNamespacePrefixes (NamespacePrefix, Vendor_VendorId)
  SELECT prefix, VendorId FROM dbo.Vendors, (VALUES ('uri://ed-fi.org'), ('uri://dese.mo.gov')) AS known (prefix)
  WHERE VendorName = 'edfi-cte';
INSERT INTO dbo.Applications (ApplicationName, OperationalContextUri, Vendor_VendorId, ClaimSetName)
  SELECT 'edfi-cte', 'uri://ed-fi.org', VendorId, 'Ed-Fi Sandbox' FROM dbo.Vendors WHERE VendorName = 'edfi-cte';
INSERT INTO dbo.ApplicationEducationOrganizations (EducationOrganizationId, Application_ApplicationId)
  SELECT :district, ApplicationId FROM dbo.Applications WHERE ApplicationName = 'edfi-cte';
INSERT INTO dbo.ApiClients (Key, Secret, Name, IsApproved, UseSandbox, SandboxType, SecretIsHashed, Application_ApplicationId)
  SELECT :'key', :'secret', 'edfi-cte', TRUE, FALSE, 0, FALSE, ApplicationId
  FROM dbo.Applications WHERE ApplicationName = 'edfi-cte';
INSERT INTO dbo.ApiClientApplicationEducationOrganizations (ApiClient_ApiClientId, ApplicationEdOrg_ApplicationEdOrgId)
  SELECT ApiClientId, ApplicationEducationOrganizationId
  FROM dbo.ApiClients, dbo.ApplicationEducationOrganizations WHERE Name = 'edfi-cte';
INSERT INTO dbo.ApiClientOdsInstances (ApiClient_ApiClientId, OdsInstance_OdsInstanceId)
  SELECT ApiClientId, OdsInstanceId FROM dbo.ApiClients, dbo.OdsInstances WHERE dbo.ApiClients.Name = 'edfi-cte';
SQL
