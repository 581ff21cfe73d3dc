#!/usr/bin/env Rscript
# sandrun: environment=r
cat("hello\n")
