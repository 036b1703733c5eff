// SEQUENCE THREADS NUMBERS: print THREADS x NUMBERS numbers, by the snippet of docs/CLIENTS.md beside this file.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

func main() {
	threads, _ := strconv.Atoi(os.Args[2])
	wanted, _ := strconv.Atoi(os.Args[3])
	numbers := Numbers{URL: "http://127.0.0.1:8080/v1/sequences/" + os.Args[1] + "/next?count=100"}
	var group sync.WaitGroup
	for i := 0; i < threads; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < wanted; j++ {
				number, err := numbers.Take()
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Println(number)
			}
		}()
	}
	group.Wait()
}
