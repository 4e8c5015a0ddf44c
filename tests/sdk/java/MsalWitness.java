import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.microsoft.aad.msal4j.AbstractClientApplicationBase;
import com.microsoft.aad.msal4j.AuthorizationCodeParameters;
import com.microsoft.aad.msal4j.AuthorizationRequestUrlParameters;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.DeviceCodeFlowParameters;
import com.microsoft.aad.msal4j.IAccount;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.IClientCredential;
import com.microsoft.aad.msal4j.MsalException;
import com.microsoft.aad.msal4j.MsalServiceException;
import com.microsoft.aad.msal4j.Prompt;
import com.microsoft.aad.msal4j.PublicClientApplication;
import com.microsoft.aad.msal4j.SilentParameters;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/**
 * Microsoft's library for Java, unmodified: told steps line by line, <code>{"do": STEP, …}</code>, it answers each with a
 * line of JSON.
 */
public final class MsalWitness {
  private static final Gson GSON = new Gson();
  private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();
  private static AbstractClientApplicationBase app;
  private static String verifier;
  private static BufferedReader lines;

  private MsalWitness() {}

  private static void tell(Map<String, ?> answer) {
    System.out.println(GSON.toJson(answer));
    System.out.flush();
  }

  private static String text(JsonObject asked, String name) {
    return asked.has(name) && !asked.get(name).isJsonNull() ? asked.get(name).getAsString() : "";
  }

  private static Set<String> scopes(JsonObject asked) {
    Set<String> found = new HashSet<>();
    asked.getAsJsonArray("scopes").forEach(one -> found.add(one.getAsString()));
    return found;
  }

  private static Map<String, Object> told(IAuthenticationResult result) {
    Map<String, Object> answer = new HashMap<>();
    answer.put("idToken", result.idToken());
    answer.put("accessToken", result.accessToken());
    answer.put("scopes", result.scopes());
    answer.put("environment", result.environment());
    answer.put("expiresOn", result.expiresOnDate().toInstant().toString());
    answer.put("fromCache", "CACHE".equals(String.valueOf(result.metadata().tokenSource())));
    IAccount account = result.account();
    if (account != null) {
      answer.put("account", Map.of("id", account.homeAccountId(), "username", String.valueOf(account.username())));
    }
    return answer;
  }

  private static IClientCredential credential(JsonObject asked) throws Exception {
    if (asked.has("secret")) {
      return ClientCredentialFactory.createFromSecret(text(asked, "secret"));
    }
    if (asked.has("assertion")) {
      return ClientCredentialFactory.createFromClientAssertion(text(asked, "assertion"));
    }
    byte[] pkcs8 = Base64.getDecoder().decode(text(asked, "key"));
    PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
    byte[] pem = text(asked, "certificate").getBytes(StandardCharsets.UTF_8);
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    X509Certificate certificate = (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(pem));
    return ClientCredentialFactory.createFromCertificate(key, certificate);
  }

  /** The one switch for a host that is not Microsoft's: no instance discovery, or an authority of OpenID Connect. */
  private static <T extends AbstractClientApplicationBase.Builder<T>> T placed(T builder, JsonObject asked)
      throws Exception {
    if (asked.has("oidc")) {
      return builder.oidcAuthority(text(asked, "authority"));
    }
    return builder.authority(text(asked, "authority")).instanceDiscovery(false);
  }

  private static Map<String, Object> opened(JsonObject asked) throws Exception {
    String clientId = text(asked, "clientId");
    if (asked.has("secret") || asked.has("assertion") || asked.has("certificate")) {
      app = placed(ConfidentialClientApplication.builder(clientId, credential(asked)), asked).build();
    } else {
      app = placed(PublicClientApplication.builder(clientId), asked).build();
    }
    return Map.of();
  }

  private static Map<String, Object> begun(JsonObject asked) throws Exception {
    byte[] octets = new byte[32];
    new SecureRandom().nextBytes(octets);
    verifier = BASE64.encodeToString(octets);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(StandardCharsets.US_ASCII));
    AuthorizationRequestUrlParameters.Builder wanted =
        AuthorizationRequestUrlParameters.builder(text(asked, "redirectUri"), scopes(asked))
            .codeChallenge(BASE64.encodeToString(digest))
            .codeChallengeMethod("S256")
            .state(text(asked, "state"))
            .nonce(text(asked, "nonce"));
    if (asked.has("prompt")) {
      wanted.prompt(Prompt.valueOf(text(asked, "prompt")));
    }
    return Map.of("url", app.getAuthorizationRequestUrl(wanted.build()).toString());
  }

  private static Map<String, Object> redeemed(JsonObject asked) throws Exception {
    URI where = new URI(text(asked, "redirectUri"));
    AuthorizationCodeParameters given =
        AuthorizationCodeParameters.builder(text(asked, "code"), where)
            .scopes(scopes(asked))
            .codeVerifier(verifier)
            .build();
    return told(app.acquireToken(given).get());
  }

  private static Map<String, Object> silent(JsonObject asked) throws Exception {
    IAccount account = app.getAccounts().get().iterator().next();
    boolean force = asked.has("forceRefresh") && asked.get("forceRefresh").getAsBoolean();
    SilentParameters wanted = SilentParameters.builder(scopes(asked), account).forceRefresh(force).build();
    return told(app.acquireTokenSilently(wanted).get());
  }

  private static Map<String, Object> device(JsonObject asked) throws Exception {
    DeviceCodeFlowParameters wanted =
        DeviceCodeFlowParameters.builder(
                scopes(asked),
                shown -> {
                  tell(
                      Map.of(
                          "userCode", shown.userCode(),
                          "verificationUri", shown.verificationUri(),
                          "message", shown.message()));
                  // The test says when the person is done, and need not wait for the interval between two questions.
                  lines.lines().findFirst();
                })
            .build();
    return told(((PublicClientApplication) app).acquireToken(wanted).get());
  }

  private static Map<String, Object> machine(JsonObject asked) throws Exception {
    ClientCredentialParameters wanted = ClientCredentialParameters.builder(scopes(asked)).skipCache(true).build();
    return told(((ConfidentialClientApplication) app).acquireToken(wanted).get());
  }

  private static Map<String, Object> step(JsonObject asked) throws Exception {
    return switch (text(asked, "do")) {
      case "open" -> opened(asked);
      case "begin" -> begun(asked);
      case "redeem" -> redeemed(asked);
      case "silent" -> silent(asked);
      case "device" -> device(asked);
      case "machine" -> machine(asked);
      default -> throw new IllegalArgumentException("no such step");
    };
  }

  private static Map<String, Object> failed(Throwable caught) {
    boolean wrapped = caught instanceof ExecutionException || caught instanceof CompletionException;
    Throwable error = wrapped && caught.getCause() != null ? caught.getCause() : caught;
    Map<String, Object> answer = new HashMap<>();
    answer.put("kind", error.getClass().getSimpleName());
    answer.put("message", String.valueOf(error.getMessage()));
    String code = error instanceof MsalException ? ((MsalException) error).errorCode() : null;
    answer.put("failed", code != null ? code : error.toString());
    if (error instanceof MsalServiceException) {
      answer.put("status", ((MsalServiceException) error).statusCode());
    }
    return answer;
  }

  public static void main(String[] words) throws Exception {
    lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
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
