function refuse(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }
function instead(names, what,    list, i, n) {
    n = split(names, list, " ")
    for (i = 1; i <= n; i++) { better[list[i]] = what }
}
# LMDB must not be used in a child, and one that takes over a lease would issue it twice.
function forks(names,    list, i, n) {
    n = split(names, list, " ")
    for (i = 1; i <= n; i++) { forking[list[i]] = 1 }
}

BEGIN {
    instead("strcpy strcat stpcpy", "snprintf() with the size, and check the result")
    instead("strncpy strncat", "memcpy() with a checked length")
    instead("sprintf vsprintf", "snprintf() with the size, and check the result")
    instead("atoi atol atoll atof", "a parser of base/text.h, which sees overflow and rubbish")
    instead("scanf sscanf fscanf", "a parser of base/text.h, which sees overflow and rubbish")
    instead("gets", "fgets() or getline()")
    instead("strtok", "strcspn() or strtok_r()")
    instead("rand srand random srandom", "getrandom(), or a generator with a seed of its own in tests")
    instead("gmtime localtime asctime ctime", "gmtime_r() and strftime()")
    instead("signal", "sigaction()")
    instead("alloca", "a buffer of a fixed size")
    instead("usleep sleep", "a wait for the condition itself, with a deadline")
    instead("mktemp tmpnam tempnam", "mkstemp() or mkdtemp()")
    forks("fork vfork clone daemon popen posix_spawn posix_spawnp")
}
FNR == 1 { head = "" }
{ text = code($0) }
comment ~ /lint: allowed, because/ { next }

{
    rest = text
    while (match(rest, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
        name = substr(rest, RSTART, RLENGTH - 1)
        sub(/[ \t]+$/, "", name)
        if (name in better) { refuse(name "() is discouraged: use " better[name]) }
        if (FILENAME !~ /^tests\// && name in forking) { refuse(name "() makes a second process with our leases: the product has one") }
        rest = substr(rest, RSTART + RLENGTH)
    }
}

# A branch or loop: collect its head up to the closing parenthesis, then a brace must follow.
head == "" && text ~ /^[ \t]*(} )?(else )?(if|for|while|switch) \(/ && text !~ /^[ \t]*} while / { head = " "; depth = 0 }
head == "" && text ~ /^[ \t]*(} )?(else|do)([ \t]|$)/ && text !~ /(else|do) \{[ \t\\]*$/ {
    refuse("no brace after else or do: add { }")
}
head != "" {
    n = length(text)
    for (i = 1; i <= n; i++) {
        c = substr(text, i, 1)
        if (c == "(") { depth++ }
        if (c == ")" && --depth == 0) {
            if (substr(text, i + 1) !~ /^ \{/) { refuse("a branch or loop without braces: add { }") }
            head = ""
            break
        }
    }
}
END { exit bad }
