"""The catalogue of rules, their selection and running, suppressions, and the report that comes out."""
