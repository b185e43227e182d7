#!/bin/bash
# explain.sh PLACE: of what pip or a build said of a failure, which is read from standard input, the
# line that tells what is missing; else all of it. PLACE is what was being written to.
place=$1 said=$(cat)
case $said in
*"No space left"* | *"Errno 28"* | *"Errno 122"* | *ENOSPC*)
    echo "The disk is full: about 3 GB are needed here (8 GB where torch comes with CUDA)." ;;
*"Read-only file system"* | *"Permission denied"* | *"Errno 13"* | *"Errno 30"*)
    echo "$place cannot be written to: give this folder to your user." ;;
*"Failed to establish a new connection"* | *"name resolution"* | *"Network is unreachable"* | \
    *"ProxyError"* | *"timed out"* | *"Connection refused"* | *"ConnectionError"* | *"dns error"*)
    echo "No package index can be reached: a network is needed the first time." ;;
*) echo "$said" ;;
esac
