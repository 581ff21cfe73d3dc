library(ggplot2)
p <- ggplot(mtcars, aes(wt, mpg)) + geom_point()  # library(plotly)
ggsave("p.png", p)
