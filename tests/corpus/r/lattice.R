require(lattice)
require(Matrix)
print(xyplot(mpg ~ wt, mtcars)); m <- Matrix(0, 2, 2); m@x; mtcars$library
