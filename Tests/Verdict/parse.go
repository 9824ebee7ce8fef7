// Reads certificates, each in hexadecimal on a line of its own, and answers each with a line: empty, or the error.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

func main() {
	input := bufio.NewReader(os.Stdin)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for {
		line, err := input.ReadString('\n')
		if err != nil {
			return
		}
		der, err := hex.DecodeString(strings.TrimSpace(line))
		if err == nil {
			_, err = x509.ParseCertificate(der)
		}
		if err != nil {
			fmt.Fprintln(output, strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Fprintln(output)
		}
	}
}
