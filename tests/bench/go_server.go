// go_server: Go's net/http and an atomic counter, as in the note that seqd grew from.
//
//	go_server PORT    listens on 127.0.0.1; ends by SIGTERM
package main

import (
	"log"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
)

var last uint64

func next(w http.ResponseWriter, r *http.Request) {
	number := strconv.AppendUint(make([]byte, 0, 24), atomic.AddUint64(&last, 1), 10)
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(append(number, '\n'))
}

func main() {
	http.HandleFunc("/", next)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
