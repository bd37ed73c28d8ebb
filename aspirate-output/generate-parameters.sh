#!/bin/sh
# Rendered by Polaris.AppHost (--publisher kustomize): changes made here are lost.
# Gives every parameter of this deployment a value:
#   ./generate-parameters.sh public-url=https://polaris.example.com
# A secret gets a random one (256 bits), the same wherever its name stands. What has a value keeps it, so that a second run only
# adds what is new. The files (*/secrets.env, parameters.env) are for kustomize and for nobody else: do not check them in.
set -eu
cd "$(dirname "$0")"
umask 077

for parameter in "$@"; do
  case "$parameter" in
    *=*) ;;
    *) echo "'$parameter' is not name=value." >&2; exit 2 ;;
  esac
  grep -q "^${parameter%%=*}=" parameters.env.example || { echo "There is no parameter '${parameter%%=*}'." >&2; exit 2; }
  touch parameters.env
  { grep -v "^${parameter%%=*}=" parameters.env || true; printf '%s\n' "$parameter"; } >parameters.env.new
  mv parameters.env.new parameters.env
done
for name in $(sed -n 's/=$//p' parameters.env.example); do
  grep -q "^$name=." parameters.env 2>/dev/null || { echo "Give $name a value: $0 $name=..." >&2; exit 2; }
done

for example in */secrets.env.example; do
  file=${example%.example}
  touch "$file"
  for name in $(sed -n 's/=$//p' "$example"); do
    grep -q "^$name=." "$file" && continue
    value=$(cat */secrets.env | sed -n "s/^$name=//p" | head -n 1)
    [ -n "$value" ] || value=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')
    printf '%s=%s\n' "$name" "$value" >>"$file"
  done
done
