// What `make bench-grpc` compares with: grpc-go over an atomic counter, with messages that are bytes, so that
// it does no more than it has to. Built by grpc.sh.
package main

import (
	"context"
	"encoding/binary"
	"log"
	"net"
	"os"
	"sync/atomic"

	"google.golang.org/grpc"
)

type raw []byte

type codec struct{}

func (codec) Marshal(v interface{}) ([]byte, error) { return *v.(*raw), nil }
func (codec) Unmarshal(b []byte, v interface{}) error {
	*v.(*raw) = b
	return nil
}
func (codec) Name() string   { return "proto" }
func (codec) String() string { return "proto" }

var counter int64

func next(_ interface{}, _ context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	var request raw
	if err := decode(&request); err != nil {
		return nil, err
	}
	answer := make(raw, 1, 11)
	answer[0] = 8
	var number [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(number[:], uint64(atomic.AddInt64(&counter, 1)))
	answer = append(answer, number[:n]...)
	return &answer, nil
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.CustomCodec(codec{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "seqd.v1.SequenceService",
		HandlerType: (*interface{})(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Next", Handler: next}},
	}, struct{}{})
	log.Fatal(server.Serve(listener))
}
