"""What can be observed on a damaged model: one module a measurement, each yielding metrics and sometimes texts."""
