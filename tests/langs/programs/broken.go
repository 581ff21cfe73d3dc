package main

func main() {
	noSuchName()
}
