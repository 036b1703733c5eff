function refuse(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }

FNR == 1 { told = -99; telling = 0; reason = "" }
{
    text = code($0)
    if (comment ~ /order:/) { telling = 1; reason = "" }
    if (telling && comment != "") { reason = reason " " comment; told = FNR }
    if (!in_comment) { telling = 0 }
}
text ~ /(^|[^_a-zA-Z0-9])atomic_(load|store|exchange|fetch_[a-z]+|compare_exchange_(weak|strong)|flag_test_and_set|flag_clear)[ \t]*\(/ {
    refuse("an atomic without an order: use its _explicit form")
}
text ~ /__(atomic|sync)_[a-z]/ { refuse("a compiler's own atomic: use <stdatomic.h>") }
text ~ /memory_order_/ {
    if (FNR - told > 4) {
        refuse("an order without a reason: say above it /* order: ... pairs with ... because ... */")
    } else if (text ~ /memory_order_(acquire|release|acq_rel|seq_cst|consume)/ && reason !~ /pair/) {
        refuse("the order: comment does not say what this pairs with")
    }
}
END { exit bad }
