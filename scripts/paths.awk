# Prints what a Rust file takes from its own crate, by `crate::` or by `super::` as far up as the crate's root: one path a
# line, groups in braces taken apart. What it takes from the crate `app` is printed as `app`. Comments and tests do not
# count.
#   awk -v depth=N -f scripts/paths.awk FILE     (depth: how many modules the file lies below the root)
/^#\[cfg\(test\)\]$/ { was_test = 1; next }
was_test && /^mod [a-z_]+ \{$/ { in_tests = 1 }
in_tests { if ($0 == "}") in_tests = 0; next }
{ was_test = 0; sub(/\/\/.*/, ""); text = text " " $0 }

END {
  gsub(/[ \t]+/, " ", text)
  root = ""
  for (i = 0; i < depth; i++) root = root "super::"
  take("crate::")
  take(root)
  if (text ~ /[^A-Za-z0-9_:]app::/) print "app"
}

# Prints the paths after each `prefix` that begins a path.
function take(prefix,   rest, at) {
  rest = " " text
  while ((at = index(rest, prefix)) > 0) {
    if (substr(rest, at - 1, 1) !~ /[A-Za-z0-9_:$]/) each("", beginning(substr(rest, at + length(prefix))))
    rest = " " substr(rest, at + length(prefix))
  }
}

# The path that `s` begins with, its groups included.
function beginning(s,   i, c, open) {
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1)
    if (c == "{") open++
    else if (c == "}") { if (--open <= 0) return substr(s, 1, i - (open < 0)) }
    else if (!open && c !~ /[A-Za-z0-9_:]/) break
  }
  return substr(s, 1, i - 1)
}

# Prints each path of the list `s`, with `prefix` before it.
function each(prefix, s,   i, c, open, piece, brace) {
  s = s ","
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1)
    if (c == "{") open++
    if (c == "}") open--
    if (c != "," || open) { piece = piece c; continue }
    gsub(/ /, "", piece)
    brace = index(piece, "{")
    if (brace) each(prefix substr(piece, 1, brace - 1), substr(piece, brace + 1, length(piece) - brace - 1))
    else if (piece != "") print prefix piece
    piece = ""
  }
}
