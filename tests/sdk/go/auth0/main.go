// Auth0's library for Go, unmodified: told steps line by line, `{"do": STEP, …}`, it answers each with a line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/auth0/go-auth0/v3/authentication"
	"github.com/auth0/go-auth0/v3/authentication/oauth"
	"github.com/auth0/go-auth0/v3/management"
	"github.com/auth0/go-auth0/v3/management/client"
	"github.com/auth0/go-auth0/v3/management/core"
	"github.com/auth0/go-auth0/v3/management/option"
)

type wanted struct {
	Token        string `json:"token"`
	Nonce        string `json:"nonce"`
	MaxAge       int    `json:"maxAge"`
	Organization string `json:"organization"`
}

type asked struct {
	wanted
	Do           string   `json:"do"`
	Domain       string   `json:"domain"`
	ClientID     string   `json:"clientId"`
	Secret       string   `json:"secret"`
	Key          string   `json:"key"`
	Code         string   `json:"code"`
	RedirectURI  string   `json:"redirectUri"`
	Verifier     string   `json:"verifier"`
	RefreshToken string   `json:"refreshToken"`
	AccessToken  string   `json:"accessToken"`
	DeviceCode   string   `json:"deviceCode"`
	Audience     string   `json:"audience"`
	Client       string   `json:"client"`
	Seconds      int      `json:"seconds"`
	Cases        []wanted `json:"cases"`
}

type answer map[string]any

var (
	ctx   = context.Background()
	given asked
	app   *authentication.Authentication
)

func tell(told answer) {
	line, err := json.Marshal(told)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func told(set *oauth.TokenSet, err error) (answer, error) {
	if err != nil {
		return nil, err
	}
	return answer{
		"idToken":      set.IDToken,
		"accessToken":  set.AccessToken,
		"refreshToken": set.RefreshToken,
		"expiresIn":    set.ExpiresIn,
		"scope":        set.Scope,
		"type":         set.TokenType,
	}, nil
}

func (w wanted) options() oauth.IDTokenValidationOptions {
	return oauth.IDTokenValidationOptions{
		Nonce:        w.Nonce,
		MaxAge:       time.Duration(w.MaxAge) * time.Second,
		Organization: w.Organization,
	}
}

func opened(a asked, more ...authentication.Option) (*authentication.Authentication, error) {
	options := []authentication.Option{authentication.WithClientID(a.ClientID), authentication.WithNoRetries()}
	if a.Secret != "" {
		options = append(options, authentication.WithClientSecret(a.Secret))
	}
	if a.Key != "" {
		options = append(options, authentication.WithClientAssertion(a.Key, "RS256"))
	}
	return authentication.New(ctx, a.Domain, append(options, more...)...)
}

// What the library verifies is the answer of the token endpoint: here that answer is made, and nothing else.
type answering struct{ token string }

func (a *answering) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Path != "/oauth/token" {
		return http.DefaultTransport.RoundTrip(request)
	}
	body, _ := json.Marshal(answer{"access_token": "x", "token_type": "Bearer", "id_token": a.token})
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader(string(body))),
		Request:    request,
	}, nil
}

func verified(a asked) (answer, error) {
	made := &answering{}
	checking, err := opened(given, authentication.WithClient(&http.Client{Transport: made}))
	if err != nil {
		return nil, err
	}
	said := []any{}
	for _, one := range a.Cases {
		made.token = one.Token
		_, err := checking.OAuth.LoginWithAuthCode(ctx, oauth.LoginWithAuthCodeRequest{Code: "x"}, one.options())
		if err != nil {
			said = append(said, err.Error())
		} else {
			said = append(said, nil)
		}
	}
	return answer{"said": said}, nil
}

func lifetime(a asked) (answer, error) {
	credentials := option.WithClientCredentials(ctx, given.ClientID, given.Secret)
	api, err := client.New(given.Domain, credentials, option.WithoutRetries())
	if err != nil {
		return nil, err
	}
	before, err := api.Clients.Get(ctx, a.Client, &management.GetClientRequestParameters{})
	if err != nil {
		return nil, err
	}
	change := &management.UpdateClientRequestContent{
		JwtConfiguration: &management.ClientJwtConfiguration{LifetimeInSeconds: &a.Seconds},
	}
	after, err := api.Clients.Update(ctx, a.Client, change)
	if err != nil {
		return nil, err
	}
	again, err := api.Clients.Get(ctx, a.Client, &management.GetClientRequestParameters{})
	if err != nil {
		return nil, err
	}
	told := []int{
		*before.JwtConfiguration.LifetimeInSeconds,
		*after.JwtConfiguration.LifetimeInSeconds,
		*again.JwtConfiguration.LifetimeInSeconds,
	}
	return answer{"name": *before.Name, "lifetimes": told}, nil
}

func redeemed(a asked) (answer, error) {
	if a.Verifier == "" {
		body := oauth.LoginWithAuthCodeRequest{Code: a.Code, RedirectURI: a.RedirectURI}
		return told(app.OAuth.LoginWithAuthCode(ctx, body, a.options()))
	}
	body := oauth.LoginWithAuthCodeWithPKCERequest{Code: a.Code, RedirectURI: a.RedirectURI, CodeVerifier: a.Verifier}
	return told(app.OAuth.LoginWithAuthCodeWithPKCE(ctx, body, a.options()))
}

func step(a asked) (answer, error) {
	switch a.Do {
	case "open":
		given = a
		made, err := opened(a)
		app = made
		return answer{}, err
	case "redeem":
		return redeemed(a)
	case "refresh":
		return told(app.OAuth.RefreshToken(ctx, oauth.RefreshTokenRequest{RefreshToken: a.RefreshToken}, a.options()))
	case "revoke":
		return answer{}, app.OAuth.RevokeRefreshToken(ctx, oauth.RevokeRefreshTokenRequest{Token: a.RefreshToken})
	case "machine":
		body := oauth.LoginWithClientCredentialsRequest{Audience: a.Audience}
		return told(app.OAuth.LoginWithClientCredentials(ctx, body, a.options()))
	case "device":
		body := url.Values{"device_code": {a.DeviceCode}, "client_id": {given.ClientID}}
		return told(app.OAuth.LoginWithGrant(ctx, "urn:ietf:params:oauth:grant-type:device_code", body, a.options()))
	case "userinfo":
		user, err := app.UserInfo(ctx, a.AccessToken)
		if err != nil {
			return nil, err
		}
		at := user.UpdatedAt.UTC().Format(time.RFC3339)
		return answer{"sub": user.Sub, "email": user.Email, "name": user.Name, "updatedAt": at}, nil
	case "lifetime":
		return lifetime(a)
	case "verify":
		return verified(a)
	}
	return nil, errors.New("no such step")
}

func failed(err error) answer {
	var refused *authentication.Error
	if errors.As(err, &refused) {
		return answer{"failed": refused.Err, "message": refused.Message, "status": refused.StatusCode}
	}
	var denied *core.APIError
	if errors.As(err, &denied) {
		return answer{"failed": "api", "message": denied.Error(), "status": denied.StatusCode}
	}
	return answer{"failed": "error", "message": err.Error()}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		var a asked
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			panic(err)
		}
		done, err := step(a)
		if err != nil {
			done = failed(err)
		}
		tell(done)
	}
}
