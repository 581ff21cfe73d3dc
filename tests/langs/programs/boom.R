f <- function(x) stop("boom")
cat("before\n")
f(1)
