// Google's libraries for Go, unmodified, one flow a run: `witness FLOW '{"parameter": …}'`; the answer is a line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/auth/credentials/idtoken"
	"cloud.google.com/go/auth/credentials/impersonate"
	"golang.org/x/oauth2/google"
	oldidtoken "google.golang.org/api/idtoken"
	oldimpersonate "google.golang.org/api/impersonate"
	"google.golang.org/api/option"
)

const platform = "https://www.googleapis.com/auth/cloud-platform"

type asked struct {
	Audience     string   `json:"audience"`
	Format       string   `json:"format"`
	Licenses     bool     `json:"licenses"`
	Target       string   `json:"target"`
	Delegates    []string `json:"delegates"`
	Lifetime     int      `json:"lifetime"`
	IncludeEmail bool     `json:"include_email"`
	File         string   `json:"file"`
	How          string   `json:"how"`
}

type answer map[string]any

func tell(told answer) {
	line, err := json.Marshal(told)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func at(instant time.Time) string { return instant.UTC().Format(time.RFC3339) }

func identity(ctx context.Context, a asked) (answer, error) {
	format := idtoken.ComputeTokenFormatStandard
	if a.Licenses {
		format = idtoken.ComputeTokenFormatFullWithLicense
	} else if a.Format == "full" {
		format = idtoken.ComputeTokenFormatFull
	}
	made, err := idtoken.NewCredentials(&idtoken.Options{Audience: a.Audience, ComputeTokenFormat: format})
	if err != nil {
		return nil, err
	}
	token, err := made.Token(ctx)
	if err != nil {
		return nil, err
	}
	return answer{"token": token.Value, "expiry": at(token.Expiry)}, nil
}

func oldIdentity(ctx context.Context, a asked) (answer, error) {
	found, err := google.FindDefaultCredentials(ctx)
	if err != nil {
		return nil, err
	}
	source, err := oldidtoken.NewTokenSource(ctx, a.Audience, option.WithCredentials(found))
	if err != nil {
		return nil, err
	}
	token, err := source.Token()
	if err != nil {
		return nil, err
	}
	return answer{"token": token.AccessToken, "expiry": at(token.Expiry)}, nil
}

func access(ctx context.Context, a asked) (answer, error) {
	made, err := credentials.DetectDefault(&credentials.DetectOptions{Scopes: []string{platform}, CredentialsFile: a.File})
	if err != nil {
		return nil, err
	}
	token, err := made.Token(ctx)
	if err != nil {
		return nil, err
	}
	universe, err := made.UniverseDomain(ctx)
	if err != nil {
		return nil, err
	}
	return answer{"token": token.Value, "expiry": at(token.Expiry), "universe": universe}, nil
}

func oldAccess(ctx context.Context, a asked) (answer, error) {
	found, err := google.FindDefaultCredentials(ctx, platform)
	if err != nil {
		return nil, err
	}
	token, err := found.TokenSource.Token()
	if err != nil {
		return nil, err
	}
	return answer{"token": token.AccessToken, "expiry": at(token.Expiry)}, nil
}

func impersonated(ctx context.Context, a asked) (answer, error) {
	made, err := impersonate.NewIDTokenCredentials(&impersonate.IDTokenOptions{
		Audience: a.Audience, TargetPrincipal: a.Target, IncludeEmail: a.IncludeEmail, Delegates: a.Delegates,
	})
	if err != nil {
		return nil, err
	}
	token, err := made.Token(ctx)
	if err != nil {
		return nil, err
	}
	return answer{"token": token.Value}, nil
}

func oldImpersonated(ctx context.Context, a asked) (answer, error) {
	source, err := oldimpersonate.IDTokenSource(ctx, oldimpersonate.IDTokenConfig{
		Audience: a.Audience, TargetPrincipal: a.Target, IncludeEmail: a.IncludeEmail, Delegates: a.Delegates,
	})
	if err != nil {
		return nil, err
	}
	token, err := source.Token()
	if err != nil {
		return nil, err
	}
	return answer{"token": token.AccessToken}, nil
}

func impersonatedAccess(ctx context.Context, a asked) (answer, error) {
	made, err := impersonate.NewCredentials(&impersonate.CredentialsOptions{
		TargetPrincipal: a.Target, Scopes: []string{platform}, Delegates: a.Delegates,
		Lifetime: time.Duration(a.Lifetime) * time.Second,
	})
	if err != nil {
		return nil, err
	}
	token, err := made.Token(ctx)
	if err != nil {
		return nil, err
	}
	return answer{"token": token.Value, "expiry": at(token.Expiry)}, nil
}

func key(ctx context.Context, a asked) (answer, error) {
	made, err := idtoken.NewCredentials(&idtoken.Options{Audience: a.Audience, CredentialsFile: a.File})
	if err != nil {
		return nil, err
	}
	token, err := made.Token(ctx)
	if err != nil {
		return nil, err
	}
	return answer{"token": token.Value}, nil
}

func oldKey(ctx context.Context, a asked) (answer, error) {
	source, err := oldidtoken.NewTokenSource(ctx, a.Audience, oldidtoken.WithCredentialsFile(a.File))
	if err != nil {
		return nil, err
	}
	token, err := source.Token()
	if err != nil {
		return nil, err
	}
	return answer{"token": token.AccessToken}, nil
}

// verify verifies one token a line, in one process.
func verify(ctx context.Context, a asked) (answer, error) {
	check := func(token, audience string) (any, error) {
		payload, err := idtoken.Validate(ctx, token, audience)
		if err != nil {
			return nil, err
		}
		return payload.Claims, nil
	}
	if a.How == "old" {
		check = func(token, audience string) (any, error) {
			payload, err := oldidtoken.Validate(ctx, token, audience)
			if err != nil {
				return nil, err
			}
			return payload.Claims, nil
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var wanted struct{ Token, Audience string }
		if err := json.Unmarshal(lines.Bytes(), &wanted); err != nil {
			return nil, err
		}
		claims, err := check(wanted.Token, wanted.Audience)
		if err != nil {
			tell(answer{"refused": err.Error()})
		} else {
			tell(answer{"claims": claims})
		}
	}
	return nil, lines.Err()
}

func main() {
	flows := map[string]func(context.Context, asked) (answer, error){
		"identity": identity, "old_identity": oldIdentity, "access": access, "old_access": oldAccess,
		"impersonate": impersonated, "old_impersonate": oldImpersonated, "impersonate_access": impersonatedAccess,
		"key": key, "old_key": oldKey, "key_access": access, "verify": verify,
	}
	var parameters asked
	if err := json.Unmarshal([]byte(os.Args[2]), &parameters); err != nil {
		panic(err)
	}
	told, err := flows[os.Args[1]](context.Background(), parameters)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if told != nil {
		tell(told)
	}
}
