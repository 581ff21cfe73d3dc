#!/bin/sh
# SPDX-License-Identifier: MIT
# git on a repository of its own, with fixed names and times: commit ids depend on nothing else.
set -e
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
mkdir repository
cd repository
git init -q -b main .
for n in 1 2 3 4 5 6 7 8 9 10; do
	mkdir -p "folder$((n % 3))"
	seq 1 "$n"000 >"folder$((n % 3))/file$n"
	git add .
	git commit -q -m "change $n"
done
git checkout -q -b side HEAD~3
echo side >side
ln -s side link
chmod 755 side
git add .
git commit -q -m side
git checkout -q main
git merge -q -m merge side
git tag -a -m one v1
echo more >>side
git stash -q
git stash pop -q
git diff --stat
git checkout -q -- side
git gc -q --aggressive --prune=now
git fsck --strict --no-progress
git log --graph --format='%H %s' --stat=80 | sed 's/ *$//'
cd ..
git clone -q repository copy
git -C copy worktree add -q ../tree v1
git clone -q --bare "file://$PWD/repository" bare.git
git -C bare.git rev-parse HEAD
git -C tree status --short --branch
git -C copy archive --format=tar HEAD | sha256sum
git -C copy bisect start HEAD HEAD~5 >/dev/null 2>&1
git -C copy bisect run sh -c 'test ! -e folder2/file8' 2>/dev/null | grep 'is the first bad commit'
find . -name '*.lock' | wc -l
