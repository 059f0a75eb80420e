# SPDX-License-Identifier: MIT
# truth.awk - compares a raw report (second file) with the truth table (first file).
#
# A stack belongs to a site when the site's functions are on it in their order, leaf to root.
# Every site must match in allocations, bytes, live allocations and live bytes, exactly.
# A name that begins with ! must not be on it.
# -v stripped=1 is for a program without C symbols: only the names of Go and of the plugins
# are asked for; a site without any, or with other C allocations below it, is left out.
BEGIN { FS = "\t" }
FNR == NR {
    if (stripped && $1 ~ /^(pthreads|other_thread)$/) next
    sites[++n] = $1; want[n] = $2 " " $3 " " $4 " " $5; depth[n] = 0; never[n] = ""
    parts = split($6, part, " ")
    for (i = 1; i <= parts; i++) {
        if (part[i] ~ /^!/) never[n] = substr(part[i], 2)
        else if (!stripped || part[i] ~ /^(main\.|plugin_[ab](_inner)?$)/) need[n, ++depth[n]] = part[i]
    }
    next
}
{
    split($1, value, " ")
    frames = split($2, frame, " ")
    for (f = 1; f <= frames; f++) { name[f] = frame[f]; sub(/:[^:]*:[0-9]*$/, "", name[f]) }
    for (s = 1; s <= n; s++) {
        at = 1; bad = 0
        for (f = 1; f <= frames; f++) {
            if (name[f] == never[s]) bad = 1
            if (at <= depth[s] && name[f] == need[s, at]) at++
        }
        if (at > depth[s] && !bad) {
            got[s, 1] += value[1]; got[s, 2] += value[2]; got[s, 3] += value[3]; got[s, 4] += value[4]
        }
    }
}
END {
    for (s = 1; s <= n; s++) {
        is = sprintf("%d %d %d %d", got[s, 1], got[s, 2], got[s, 3], got[s, 4])
        if (is != want[s]) { wrong++; printf "  wrong: %s: truth %s, profile %s\n", sites[s], want[s], is }
    }
    printf "  %d of %d sites wrong\n", wrong, n
    exit n == 0 || wrong > 0
}
