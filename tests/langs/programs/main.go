package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	for _, arg := range os.Args[1:] {
		fmt.Printf("<%s>\n", arg)
	}
	fmt.Println("grüße, 世界")
	if beside, err := os.ReadFile("beside.txt"); err == nil {
		fmt.Print("beside: ", string(beside))
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println("in: " + in.Text())
	}
	os.Exit(7)
}
