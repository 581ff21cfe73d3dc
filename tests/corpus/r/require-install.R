if (!require("stringr")) {
  install.packages("stringr")
  library(stringr)
}
cat(str_to_upper("a"), "\n")
