# code(line): the line without comments and with empty strings and character constants, for lints that look at C
# code line by line. Call it once for every line of a file, in order; a block comment is followed across lines.
# comment: the comment text of that line.
function code(line,    out, c, quoted) {
    if (FNR == 1) { in_comment = 0 }
    out = ""
    comment = ""
    while (line != "") {
        c = substr(line, 1, 2)
        if (in_comment) {
            if (c == "*/") { in_comment = 0; line = substr(line, 3); continue }
            comment = comment substr(line, 1, 1)
            line = substr(line, 2)
        } else if (c == "/*") {
            in_comment = 1
            line = substr(line, 3)
        } else if (c == "//") {
            comment = substr(line, 3)
            line = ""
        } else if (c ~ /^["']/) {
            quoted = substr(c, 1, 1)
            line = substr(line, 2)
            while (line != "" && substr(line, 1, 1) != quoted) { line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2) }
            line = substr(line, 2)
            out = out quoted quoted
        } else {
            out = out substr(c, 1, 1)
            line = substr(line, 2)
        }
    }
    return out
}
