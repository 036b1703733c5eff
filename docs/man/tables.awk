# Put the tables of docs/CONFIGURATION.md where a page says so, so that no option is written down twice:
#
#   awk -f docs/man/tables.awk docs/CONFIGURATION.md PAGE.scd
#
# In the page, a line
#   @options@       becomes every table of a section such as  ## `[http]`
#   @command-line@  becomes the table under  ## The command line
#   @exit-status@   becomes the table of exit statuses there
function plain(text) { # Markdown to scdoc
    gsub(/\\/, "\\\\", text)
    gsub(/[*_]/, "\\\\&", text)
    while (match(text, /`[^`]*`/)) {
        text = substr(text, 1, RSTART - 1) "*" substr(text, RSTART + 1, RLENGTH - 2) "*" substr(text, RSTART + RLENGTH)
    }
    return text
}
function cells(line,    n) { # "| a | b |" to cell[1] …
    sub(/^\| */, "", line)
    sub(/ *\|$/, "", line)
    return split(line, cell, / *\| */)
}
function sentence(text) { return toupper(substr(text, 1, 1)) substr(text, 2) (text ~ /\.$/ ? "" : ".") }

NR == FNR && /^## / {
    section = ""
    command_line = $0 ~ /The command line/
    if (match($0, /\[[a-z]+(:[^]]*)?\]/)) {
        section = substr($0, RSTART, RLENGTH)
        options = options "## " section "\n\n"
    }
}
NR == FNR && section != "" && /^\| `/ {
    if (cells($0) != 6) { print FILENAME ":" FNR ": not six cells" >"/dev/stderr"; exit failed = 1 }
    options = options plain(cell[1]) " = _" plain(cell[2]) "_\n\t" sentence(plain(cell[6])) "++\nValue: " plain(cell[3])
    options = options ". Default: " plain(cell[4]) ". Applies: " words[cell[5]] ".\n\n"
    found++
}
NR == FNR && command_line && /^\| `-/ {
    cells($0)
    command = command plain(cell[1]) "\n\t" sentence(plain(cell[2])) "\n\n"
}
NR == FNR && command_line && /^\| [0-9]+ \|/ {
    cells($0)
    statuses = statuses "*" cell[1] "*\n\t" sentence(plain(cell[2])) "\n\n"
}
BEGIN {
    words["reload"] = "with a reload"
    words["restart"] = "at the next start"
    words["created"] = "when the sequence is created"
}
NR == FNR { next }
/^@options@$/ { printf "%s", options; next }
/^@command-line@$/ { printf "%s", command; next }
/^@exit-status@$/ { printf "%s", statuses; next }
{ print }
END { if (!failed && !(found && command && statuses)) { print "no tables in docs/CONFIGURATION.md" >"/dev/stderr"; failed = 1 }; exit failed }
