x <- jsonlite::fromJSON('{"a": [1, 2]}')
print(utils::head(x$a)); print(stats::median(x$a))
