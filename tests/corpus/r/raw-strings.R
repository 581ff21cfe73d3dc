re <- r"(library("shiny") \d+ ")"
re2 <- R"---(library(shiny) )" )---"
library(MASS)
cat(nchar(re), nchar(re2), class(lm(1 ~ 1)), "\n")
