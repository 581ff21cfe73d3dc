suppressPackageStartupMessages({
  library(dplyr)
  library("tidyr")
})
mtcars %>% group_by(cyl) %>% summarise(m = mean(mpg)) %>% print()
