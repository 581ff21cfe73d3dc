if (!requireNamespace("data.table", quietly = TRUE))
  stop("data.table is needed")
print(data.table::data.table(a = 1))
