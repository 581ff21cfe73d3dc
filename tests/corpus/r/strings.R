msg <- "please run library(dplyr) first"
msg2 <- 'require("ggplot2")'
# library(tidyr)
cat(msg, msg2, sep = "\n")
