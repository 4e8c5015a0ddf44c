// Microsoft's library for Go, unmodified: told steps line by line, `{"do": STEP, …}`, it answers each with a line of JSON.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

type asked struct {
	Do          string   `json:"do"`
	ClientID    string   `json:"clientId"`
	Authority   string   `json:"authority"`
	Secret      string   `json:"secret"`
	Certificate string   `json:"certificate"`
	Assertion   string   `json:"assertion"`
	Scopes      []string `json:"scopes"`
	RedirectURI string   `json:"redirectUri"`
	State       string   `json:"state"`
	Code        string   `json:"code"`
	Claims      string   `json:"claims"`
}

type answer map[string]any

// The two kinds of application; one of them is open.
var (
	secret   *confidential.Client
	open     *public.Client
	clientID string
	verifier string
	account  confidential.Account
)

func tell(told answer) {
	line, err := json.Marshal(told)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func told(result confidential.AuthResult, err error) (answer, error) {
	if err != nil {
		return nil, err
	}
	account = result.Account
	return answer{
		"idToken":     result.IDToken.RawToken,
		"accessToken": result.AccessToken,
		"account":     answer{"id": account.HomeAccountID, "username": account.PreferredUsername},
		"scopes":      result.GrantedScopes,
		"expiresOn":   result.ExpiresOn.UTC().Format(time.RFC3339),
		"fromCache":   result.Metadata.TokenSource == 1,
	}, nil
}

func credential(a asked) (confidential.Credential, error) {
	if a.Secret != "" {
		return confidential.NewCredFromSecret(a.Secret)
	}
	if a.Certificate != "" {
		certificates, key, err := confidential.CertFromPEM([]byte(a.Certificate), "")
		if err != nil {
			return confidential.Credential{}, err
		}
		return confidential.NewCredFromCert(certificates, key)
	}
	return confidential.NewCredFromAssertionCallback(
		func(context.Context, confidential.AssertionRequestOptions) (string, error) { return a.Assertion, nil },
	), nil
}

// The one switch for a host that is not Microsoft's: no instance discovery.
func opened(a asked) (answer, error) {
	secret, open, clientID = nil, nil, a.ClientID
	hc := &http.Client{Timeout: 10 * time.Second}
	if a.Secret == "" && a.Certificate == "" && a.Assertion == "" {
		made, err := public.New(a.ClientID, public.WithAuthority(a.Authority), public.WithHTTPClient(hc),
			public.WithInstanceDiscovery(false))
		open = &made
		return answer{}, err
	}
	held, err := credential(a)
	if err != nil {
		return nil, err
	}
	made, err := confidential.New(a.Authority, a.ClientID, held, confidential.WithHTTPClient(hc),
		confidential.WithInstanceDiscovery(false))
	secret = &made
	return answer{}, err
}

// The library leaves PKCE's verifier, and state, to the application.
func begun(ctx context.Context, a asked) (answer, error) {
	octets := make([]byte, 32)
	if _, err := rand.Read(octets); err != nil {
		return nil, err
	}
	verifier = base64.RawURLEncoding.EncodeToString(octets)
	digest := sha256.Sum256([]byte(verifier))
	var text string
	var err error
	if open != nil {
		text, err = open.AuthCodeURL(ctx, clientID, a.RedirectURI, a.Scopes)
	} else {
		text, err = secret.AuthCodeURL(ctx, clientID, a.RedirectURI, a.Scopes)
	}
	if err != nil {
		return nil, err
	}
	where, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	query := where.Query()
	query.Set("state", a.State)
	query.Set("code_challenge", base64.RawURLEncoding.EncodeToString(digest[:]))
	query.Set("code_challenge_method", "S256")
	where.RawQuery = query.Encode()
	return answer{"url": where.String()}, nil
}

func redeemed(ctx context.Context, a asked) (answer, error) {
	if open != nil {
		return told(open.AcquireTokenByAuthCode(ctx, a.Code, a.RedirectURI, a.Scopes, public.WithChallenge(verifier)))
	}
	with := confidential.WithChallenge(verifier)
	return told(secret.AcquireTokenByAuthCode(ctx, a.Code, a.RedirectURI, a.Scopes, with))
}

func silent(ctx context.Context, a asked) (answer, error) {
	if open == nil {
		return told(secret.AcquireTokenSilent(ctx, a.Scopes, confidential.WithSilentAccount(account)))
	}
	accounts, err := open.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	if len(accounts) == 0 {
		return nil, errors.New("no account")
	}
	return told(open.AcquireTokenSilent(ctx, a.Scopes, public.WithSilentAccount(accounts[0]), public.WithClaims(a.Claims)))
}

func device(ctx context.Context, a asked) (answer, error) {
	code, err := open.AcquireTokenByDeviceCode(ctx, a.Scopes)
	if err != nil {
		return nil, err
	}
	shown := code.Result
	tell(answer{"userCode": shown.UserCode, "verificationUri": shown.VerificationURL, "message": shown.Message})
	return told(code.AuthenticationResult(ctx))
}

func step(ctx context.Context, a asked) (answer, error) {
	switch a.Do {
	case "open":
		return opened(a)
	case "begin":
		return begun(ctx, a)
	case "redeem":
		return redeemed(ctx, a)
	case "silent":
		return silent(ctx, a)
	case "device":
		return device(ctx, a)
	case "machine":
		return told(secret.AcquireTokenByCredential(ctx, a.Scopes))
	}
	return nil, errors.New("no such step")
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a asked
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			panic(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
		done, err := step(ctx, a)
		cancel()
		if err == nil {
			tell(done)
			continue
		}
		failed := answer{"failed": err.Error(), "kind": fmt.Sprintf("%T", err)}
		var call msal.CallErr
		if errors.As(err, &call) {
			failed["status"] = call.Resp.StatusCode
			failed["verbose"] = msal.Verbose(err)
		}
		tell(failed)
	}
}
