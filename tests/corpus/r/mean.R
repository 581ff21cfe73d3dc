x <- c(1, 2, 3)
cat(mean(x), sd(x), "\n")
library(stats)
