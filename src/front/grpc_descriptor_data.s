# The bytes of grpc_descriptor.c: what protoc made of the descriptions of the services. The file comes from the
# folder that the makefile passes by -I.

    .section .rodata
    .globl grpc_descriptor_set
    .globl grpc_descriptor_set_end
grpc_descriptor_set:
    .incbin "descriptors"
grpc_descriptor_set_end:
    .byte 0

# Nothing here wants an executable stack.
    .section .note.GNU-stack, "", %progbits
