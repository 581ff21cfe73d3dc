setClass("P", representation(library = "character"))
p <- new("P", library = "x"); p@library; list(require = 1)$require
`my var` <- 5 %in% c(1, 5); f <- \(x) x^2
