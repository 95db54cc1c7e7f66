"""Where things are below the root, with school years and tenants, by dialect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.ods.dialects import Dialect

Parts = tuple[str, ...]
"""What tells instances apart in a path: (), (year,), (tenant,) or (tenant, year)."""


@dataclass(frozen=True)
class Layout:
    """The paths of an API that serves one ODS, one a school year, one a tenant, or one a tenant and year."""

    dialect: Dialect
    years: tuple[int, ...] = ()
    tenants: tuple[str, ...] = ()

    def instances(self) -> Iterator[Parts]:
        """The parts of every instance served."""
        for tenant in self.tenants or ("",):
            for year in self.years or (0,):
                yield tuple(part for part in (tenant, str(year) if year else "") if part)

    def placeholders(self) -> Parts:
        """What the root document shows where it doesn't know tenant and year."""
        if self.dialect.year_before_api:
            tenant, year = "{tenantIdentifier}", "{schoolYearFromRoute}"
        else:
            tenant, year = "{instance}", "{schoolYear}"
        return (*((tenant,) if self.tenants else ()), *((year,) if self.years else ()))

    def api_mode(self) -> str:
        if self.tenants:
            return "Instance Year Specific"
        return "Year Specific" if self.years else "Shared Instance"

    def prefix(self, parts: Parts) -> str:
        """What comes before every path of an instance: `/tenant/2026` from 7.0 on, nothing before."""
        return "".join(f"/{part}" for part in parts) if self.dialect.year_before_api else ""

    def data(self, parts: Parts) -> str:
        """The root of the resources, without a slash at the end."""
        return self._placed(self.dialect.data_path, parts)

    def data_url(self, parts: Parts) -> str:
        """The data root as the root document writes it: with a slash, but not after a year in 5.x and 6.x."""
        path = self.data(parts)
        bare = self.dialect.opaque_etags or (parts and not self.dialect.year_before_api)
        return path if bare else f"{path}/"

    def token(self, parts: Parts) -> str:
        """Up to 6.x the token endpoint knows the instance and never the year."""
        if self.dialect.year_before_api:
            return f"{self.prefix(parts)}/oauth/token"
        return f"/{parts[0]}/oauth/token" if self.tenants else "/oauth/token"

    def change_queries(self, parts: Parts) -> str:
        return self._placed("/changeQueries/v1", parts)

    def change_queries_url(self, parts: Parts) -> str:
        path = self.change_queries(parts)
        return path if parts and not self.dialect.year_before_api else f"{path}/"

    def metadata(self, parts: Parts) -> str:
        """The list of OpenAPI documents, as the root document names it."""
        if self.dialect.opaque_etags:
            return f"{self.prefix(parts)}/metadata/specifications"
        return f"{self.prefix(parts)}/metadata/" + ("" if self.dialect.year_before_api else "/".join(parts))

    def dependencies(self, parts: Parts) -> str:
        if self.dialect.opaque_etags:
            return f"{self.prefix(parts)}/metadata/dependencies"
        return f"{self._placed('/metadata/data/v3', parts)}/dependencies"

    def openapi(self, parts: Parts, section: str) -> str:
        """One OpenAPI document: `section` is `resources` or `descriptors`."""
        if self.dialect.opaque_etags:
            return f"{self.prefix(parts)}/metadata/specifications/{section}-spec.json"
        return f"{self._placed('/metadata/data/v3', parts)}/{section}/swagger.json"

    def xsd(self, parts: Parts) -> str:
        if self.dialect.year_before_api:
            return f"{self.prefix(parts)}/metadata/xsd"
        return f"{self._placed('/metadata', parts)}/xsd"

    def _placed(self, path: str, parts: Parts) -> str:
        inside = "" if self.dialect.year_before_api else "".join(f"/{part}" for part in parts)
        return f"{self.prefix(parts)}{path}{inside}"
