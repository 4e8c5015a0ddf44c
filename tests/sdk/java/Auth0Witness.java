import com.auth0.client.auth.AuthAPI;
import com.auth0.client.auth.RSAClientAssertionSigner;
import com.auth0.client.mgmt.ManagementApi;
import com.auth0.client.mgmt.core.ManagementApiException;
import com.auth0.client.mgmt.types.ClientJwtConfiguration;
import com.auth0.client.mgmt.types.UpdateClientRequestContent;
import com.auth0.exception.APIException;
import com.auth0.exception.IdTokenValidationException;
import com.auth0.exception.PublicKeyProviderException;
import com.auth0.json.auth.TokenHolder;
import com.auth0.jwk.JwkException;
import com.auth0.jwk.JwkProvider;
import com.auth0.jwk.JwkProviderBuilder;
import com.auth0.net.TokenRequest;
import com.auth0.utils.tokens.IdTokenVerifier;
import com.auth0.utils.tokens.SignatureVerifier;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.interfaces.RSAPrivateKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Auth0's library for Java, unmodified: told steps line by line, <code>{"do": STEP, …}</code>, it answers each with a
 * line of JSON.
 */
public final class Auth0Witness {
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();
  private static AuthAPI api;
  private static String domain;
  private static String clientId;
  private static String secret;

  private Auth0Witness() {}

  private static void tell(Map<String, ?> answer) {
    System.out.println(GSON.toJson(answer));
    System.out.flush();
  }

  private static String text(JsonObject asked, String name) {
    return asked.has(name) && !asked.get(name).isJsonNull() ? asked.get(name).getAsString() : null;
  }

  private static Map<String, Object> told(TokenHolder holder) {
    Map<String, Object> answer = new HashMap<>();
    answer.put("idToken", holder.getIdToken());
    answer.put("accessToken", holder.getAccessToken());
    answer.put("refreshToken", holder.getRefreshToken());
    answer.put("expiresIn", holder.getExpiresIn());
    answer.put("scope", holder.getScope());
    answer.put("type", holder.getTokenType());
    return answer;
  }

  private static Map<String, Object> opened(JsonObject asked) throws Exception {
    domain = text(asked, "domain");
    clientId = text(asked, "clientId");
    secret = text(asked, "secret");
    AuthAPI.Builder builder;
    if (asked.has("key")) {
      byte[] pkcs8 = Base64.getMimeDecoder().decode(text(asked, "key").replaceAll("-----[A-Z ]+-----", ""));
      RSAPrivateKey key =
          (RSAPrivateKey) KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      builder = AuthAPI.newBuilder(domain, clientId, new RSAClientAssertionSigner(key));
    } else {
      builder = secret == null ? AuthAPI.newBuilder(domain, clientId) : AuthAPI.newBuilder(domain, clientId, secret);
    }
    api = builder.build();
    return Map.of();
  }

  private static Map<String, Object> begun(JsonObject asked) {
    String url =
        api.authorizeUrl(text(asked, "redirectUri"))
            .withScope(text(asked, "scope"))
            .withState(text(asked, "state"))
            .withParameter("nonce", text(asked, "nonce"))
            .withCodeChallenge(text(asked, "challenge"))
            .build();
    return Map.of("url", url);
  }

  private static Map<String, Object> redeemed(JsonObject asked) throws Exception {
    TokenRequest request =
        asked.has("verifier")
            ? api.exchangeCodeWithVerifier(text(asked, "code"), text(asked, "verifier"), text(asked, "redirectUri"))
            : api.exchangeCode(text(asked, "code"), text(asked, "redirectUri"));
    TokenHolder holder = request.execute().getBody();
    String refused = refusal(asked, holder.getIdToken());
    if (refused != null) {
      throw new IdTokenValidationException(refused);
    }
    return told(holder);
  }

  private static JwkProvider keys() {
    return new JwkProviderBuilder("https://" + domain + "/").build();
  }

  private static SignatureVerifier signatures(JwkProvider keys) {
    return SignatureVerifier.forRS256(
        kid -> {
          try {
            return (RSAPublicKey) keys.get(kid).getPublicKey();
          } catch (JwkException fault) {
            throw new PublicKeyProviderException(fault.getMessage());
          }
        });
  }

  private static final Map<String, SignatureVerifier> KEPT = new HashMap<>();

  private static String refusal(JsonObject asked, String token) {
    SignatureVerifier signatures = KEPT.computeIfAbsent(domain, any -> signatures(keys()));
    IdTokenVerifier.Builder builder = IdTokenVerifier.init("https://" + domain + "/", clientId, signatures);
    if (asked.has("organization")) {
      builder.withOrganization(text(asked, "organization"));
    }
    try {
      Integer maxAge = asked.has("maxAge") ? asked.get("maxAge").getAsInt() : null;
      builder.build().verify(token, text(asked, "nonce"), maxAge);
      return null;
    } catch (IdTokenValidationException refused) {
      return refused.getMessage();
    }
  }

  private static Map<String, Object> verified(JsonObject asked) {
    List<String> said = new ArrayList<>();
    for (JsonElement one : asked.getAsJsonArray("cases")) {
      said.add(refusal(one.getAsJsonObject(), text(one.getAsJsonObject(), "token")));
    }
    return Map.of("said", said);
  }

  private static Map<String, Object> lifetime(JsonObject asked) {
    ManagementApi management = ManagementApi.builder().domain(domain).clientCredentials(clientId, secret).build();
    String client = text(asked, "client");
    ClientJwtConfiguration wanted =
        ClientJwtConfiguration.builder().lifetimeInSeconds(asked.get("seconds").getAsInt()).build();
    UpdateClientRequestContent change = UpdateClientRequestContent.builder().jwtConfiguration(wanted).build();
    Integer before = seconds(management.clients().get(client).getJwtConfiguration());
    Integer after = seconds(management.clients().update(client, change).getJwtConfiguration());
    Integer again = seconds(management.clients().get(client).getJwtConfiguration());
    return Map.of("name", management.clients().get(client).getName().get(), "lifetimes", List.of(before, after, again));
  }

  private static Integer seconds(java.util.Optional<ClientJwtConfiguration> found) {
    return found.get().getLifetimeInSeconds().get();
  }

  private static Map<String, Object> step(JsonObject asked) throws Exception {
    switch (text(asked, "do")) {
      case "open":
        return opened(asked);
      case "begin":
        return begun(asked);
      case "redeem":
        return redeemed(asked);
      case "refresh":
        return told(api.renewAuth(text(asked, "refreshToken")).execute().getBody());
      case "revoke":
        return Map.of("status", api.revokeToken(text(asked, "refreshToken")).execute().getStatusCode());
      case "machine":
        return told(api.requestToken(text(asked, "audience")).execute().getBody());
      case "userinfo":
        return api.userInfo(text(asked, "accessToken")).execute().getBody().getValues();
      case "logout":
        return Map.of("url", api.logoutUrl(text(asked, "returnTo"), true).build());
      case "lifetime":
        return lifetime(asked);
      case "verify":
        return verified(asked);
      default:
        throw new IllegalArgumentException("no such step");
    }
  }

  private static Map<String, Object> failed(Throwable error) {
    Map<String, Object> answer = new HashMap<>();
    answer.put("kind", error.getClass().getSimpleName());
    answer.put("message", String.valueOf(error.getMessage()));
    answer.put("failed", error.getClass().getSimpleName());
    if (error instanceof APIException) {
      APIException told = (APIException) error;
      answer.put("failed", String.valueOf(told.getError()));
      answer.put("message", told.getDescription());
      answer.put("status", told.getStatusCode());
    } else if (error instanceof ManagementApiException) {
      answer.put("failed", "api");
      answer.put("status", ((ManagementApiException) error).statusCode());
      answer.put("message", String.valueOf(((ManagementApiException) error).body()));
    }
    return answer;
  }

  public static void main(String[] words) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      try {
        tell(step(JsonParser.parseString(line).getAsJsonObject()));
      } catch (Exception error) {
        tell(failed(error));
      }
    }
    System.exit(0);
  }
}
