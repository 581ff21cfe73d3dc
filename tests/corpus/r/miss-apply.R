invisible(lapply(c("dplyr", "ggplot2"), library, character.only = TRUE))
print(tibble(a = 1))
