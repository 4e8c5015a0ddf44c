// Cloudentity's library for Go, unmodified: told steps line by line, `{"do": STEP, …}`, it answers each with a line of
// JSON. Encrypted ID tokens, which the library hands on as they come, are opened with go-jose.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	acp "github.com/cloudentity/acp-client-go"
	"github.com/cloudentity/acp-client-go/clients/oauth2/client/oauth2"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-openapi/strfmt"
)

type asked struct {
	Do           string   `json:"do"`
	Issuer       string   `json:"issuer"`
	ClientID     string   `json:"clientId"`
	Secret       string   `json:"secret"`
	Method       string   `json:"method"`
	KeyFile      string   `json:"keyFile"`
	RootCA       string   `json:"rootCA"`
	Scopes       []string `json:"scopes"`
	RedirectURI  string   `json:"redirectUri"`
	Skip         bool     `json:"skip"`
	PKCE         bool     `json:"pkce"`
	ResponseType []string `json:"responseType"`
	ResponseMode string   `json:"responseMode"`
	Code         string   `json:"code"`
	State        string   `json:"state"`
	Token        string   `json:"token"`
	Scope        string   `json:"scope"`
}

type answer map[string]any

var (
	ctx    = context.Background()
	client acp.Client
	csrf   acp.CSRF
	key    *rsa.PrivateKey
)

func tell(told answer) {
	line, err := json.Marshal(told)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// What the library's models of Cloudentity's own description of its interface can hold a value against.
type checked interface {
	Validate(formats strfmt.Registry) error
}

// A model's members, once it is found to be as described.
func members(model checked) (answer, error) {
	if err := model.Validate(strfmt.Default); err != nil {
		return nil, err
	}
	octets, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	found := answer{}
	return found, json.Unmarshal(octets, &found)
}

func opened(a asked) (answer, error) {
	issuer, err := url.Parse(a.Issuer)
	if err != nil {
		return nil, err
	}
	config := acp.Config{
		ClientID:                      a.ClientID,
		ClientSecret:                  a.Secret,
		AuthMethod:                    acp.AuthMethod(a.Method),
		ClientAssertionSigningKeyFile: a.KeyFile,
		IssuerURL:                     issuer,
		Scopes:                        a.Scopes,
		RootCA:                        a.RootCA,
		SkipClientCredentialsAuthn:    a.Skip,
	}
	if a.RedirectURI != "" {
		if config.RedirectURL, err = url.Parse(a.RedirectURI); err != nil {
			return nil, err
		}
	}
	client, err = acp.New(config)
	return answer{"tenant": client.TenantID, "server": client.ServerID}, err
}

func options(a asked) []acp.AuthorizeOption {
	given := []acp.AuthorizeOption{acp.WithResponseType(a.ResponseType...)}
	if a.PKCE {
		given = append(given, acp.WithPKCE())
	}
	if a.ResponseMode != "" {
		given = append(given, acp.WithResponseMode(a.ResponseMode))
	}
	return given
}

func begun(a asked) (answer, error) {
	at, made, err := client.AuthorizeURL(options(a)...)
	csrf = made
	return answer{"url": at, "nonce": made.Nonce, "state": made.State}, err
}

func pushed(a asked) (answer, error) {
	told, made, err := client.DoPAR(options(a)...)
	if err != nil {
		return nil, err
	}
	csrf = made
	at, err := client.AuthorizeURLWithPAR(told.RequestURI)
	return answer{"url": at, "expiresIn": told.ExpiresIn, "requestUri": told.RequestURI, "nonce": csrf.Nonce}, err
}

func redeemed(a asked) (answer, error) {
	token, err := client.Exchange(a.Code, a.State, csrf)
	if err != nil {
		return nil, err
	}
	return answer{
		"idToken":      token.IDToken,
		"accessToken":  token.AccessToken,
		"refreshToken": token.RefreshToken,
		"type":         token.TokenType,
		"scope":        token.Scope,
		"expiresIn":    token.ExpiresIn,
	}, nil
}

// What the issuer has to say of itself, as the library's models have it.
func described() (answer, error) {
	found, err := client.Oauth2.Oauth2.WellKnown(oauth2.NewWellKnownParamsWithContext(ctx))
	if err != nil {
		return nil, err
	}
	keys, err := client.Oauth2.Oauth2.Jwks(oauth2.NewJwksParamsWithContext(ctx))
	if err != nil {
		return nil, err
	}
	document, err := members(found.Payload)
	if err != nil {
		return nil, err
	}
	set, err := members(keys.Payload)
	return answer{"document": document, "keys": set["keys"]}, err
}

func device(a asked) (answer, error) {
	params := oauth2.NewDeviceAuthorizationParamsWithContext(ctx).WithClientID(a.ClientID).WithScope(&a.Scope)
	found, err := client.Oauth2.Oauth2.DeviceAuthorization(params, nil)
	if err != nil {
		return nil, err
	}
	return members(found.Payload)
}

func refreshed(a asked) (answer, error) {
	grant := "refresh_token"
	params := oauth2.NewTokenParamsWithContext(ctx).WithGrantType(grant).WithRefreshToken(&a.Token)
	params = params.WithClientID(&a.ClientID)
	if a.Secret != "" {
		params = params.WithClientSecret(&a.Secret)
	}
	found, err := client.Oauth2.Oauth2.Token(params)
	if err != nil {
		return nil, err
	}
	return members(found.Payload)
}

// The application's encryption key: made here, its public half is registered, the other one never leaves.
func made() (answer, error) {
	fresh, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	key = fresh
	public := jose.JSONWebKey{Key: fresh.Public(), KeyID: "enc-1", Use: "enc"}
	return answer{"jwk": public}, nil
}

func decrypted(a asked) (answer, error) {
	algorithms := []jose.KeyAlgorithm{jose.RSA_OAEP, jose.RSA_OAEP_256}
	outer, err := jose.ParseEncryptedCompact(a.Token, algorithms, []jose.ContentEncryption{jose.A256GCM, jose.A128CBC_HS256})
	if err != nil {
		return nil, err
	}
	inner, err := outer.Decrypt(key)
	if err != nil {
		return nil, err
	}
	signed, err := jose.ParseSignedCompact(string(inner), []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256})
	if err != nil {
		return nil, err
	}
	set, err := keys()
	if err != nil {
		return nil, err
	}
	header := signed.Signatures[0].Protected
	found := set.Key(header.KeyID)
	if len(found) != 1 {
		return nil, fmt.Errorf("%d keys are named %s", len(found), header.KeyID)
	}
	payload, err := signed.Verify(found[0].Key)
	if err != nil {
		return nil, err
	}
	claims := answer{}
	err = json.Unmarshal(payload, &claims)
	return answer{"claims": claims, "alg": header.Algorithm, "kid": outer.Header.KeyID, "outer": outer.Header}, err
}

func keys() (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	at := client.Config.IssuerURL.String() + "/.well-known/jwks.json"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return set, err
	}
	response, err := client.DoRequest(request)
	if err != nil {
		return set, err
	}
	defer response.Body.Close()
	return set, json.NewDecoder(response.Body).Decode(&set)
}

func step(a asked) (answer, error) {
	switch a.Do {
	case "open":
		return opened(a)
	case "begin":
		return begun(a)
	case "push":
		return pushed(a)
	case "redeem":
		return redeemed(a)
	case "userinfo":
		found, err := client.Userinfo(a.Token)
		return answer(found), err
	case "introspect":
		found, err := client.IntrospectToken(ctx, a.Token)
		if err != nil {
			return nil, err
		}
		return members(found)
	case "describe":
		return described()
	case "device":
		return device(a)
	case "refresh":
		return refreshed(a)
	case "key":
		return made()
	case "decrypt":
		return decrypted(a)
	}
	return nil, errors.New("no such step")
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
			done = answer{"failed": err.Error()}
		}
		tell(done)
	}
}
