import com.google.auth.oauth2.GoogleCredentials;
import com.google.auth.oauth2.IdTokenCredentials;
import com.google.auth.oauth2.IdTokenProvider;
import com.google.auth.oauth2.IdTokenProvider.Option;
import com.google.auth.oauth2.ImpersonatedCredentials;
import com.google.auth.oauth2.TokenVerifier;
import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Google's library for Java, unmodified, one flow a run: {@code Witness FLOW '{"parameter": …}'}; the answer is a line of
 * JSON.
 */
public final class Witness {
  private static final String PLATFORM = "https://www.googleapis.com/auth/cloud-platform";
  private static final Gson GSON = new Gson();

  private Witness() {}

  private static void tell(Map<String, ?> answer) {
    System.out.println(GSON.toJson(answer));
    System.out.flush();
  }

  private static String text(JsonObject asked, String name) {
    JsonElement found = asked.get(name);
    return found == null || found.isJsonNull() ? "" : found.getAsString();
  }

  private static boolean flag(JsonObject asked, String name) {
    return asked.has(name) && asked.get(name).getAsBoolean();
  }

  private static List<String> list(JsonObject asked, String name) {
    if (!asked.has(name) || asked.get(name).isJsonNull()) {
      return null;
    }
    List<String> found = new ArrayList<>();
    asked.getAsJsonArray(name).forEach(one -> found.add(one.getAsString()));
    return found;
  }

  private static GoogleCredentials credentials(JsonObject asked) throws IOException {
    GoogleCredentials found = found(text(asked, "file"));
    return found.createScopedRequired() ? found.createScoped(PLATFORM) : found;
  }

  private static GoogleCredentials found(String path) throws IOException {
    if (path.isEmpty()) {
      return GoogleCredentials.getApplicationDefault();
    }
    try (FileInputStream file = new FileInputStream(path)) {
      return GoogleCredentials.fromStream(file);
    }
  }

  private static ImpersonatedCredentials impersonated(JsonObject asked) throws IOException {
    int lifetime = asked.has("lifetime") ? asked.get("lifetime").getAsInt() : 3600;
    return ImpersonatedCredentials.create(
        credentials(asked), text(asked, "target"), list(asked, "delegates"), List.of(PLATFORM), lifetime);
  }

  private static void idToken(IdTokenProvider provider, JsonObject asked, List<Option> options) throws IOException {
    IdTokenCredentials made =
        IdTokenCredentials.newBuilder()
            .setIdTokenProvider(provider)
            .setTargetAudience(text(asked, "audience"))
            .setOptions(options)
            .build();
    tell(Map.of("token", made.refreshAccessToken().getTokenValue()));
  }

  private static List<Option> options(JsonObject asked) {
    List<Option> chosen = new ArrayList<>();
    if ("full".equals(text(asked, "format"))) {
      chosen.add(Option.FORMAT_FULL);
    }
    if (flag(asked, "licenses")) {
      chosen.add(Option.LICENSES_TRUE);
    }
    if (flag(asked, "include_email")) {
      chosen.add(Option.INCLUDE_EMAIL);
    }
    return chosen;
  }

  private static void accessToken(GoogleCredentials made) throws IOException {
    var token = made.refreshAccessToken();
    Map<String, Object> told = new HashMap<>();
    told.put("token", token.getTokenValue());
    told.put("expiry", token.getExpirationTime().toInstant().toString());
    told.put("universe", made.getUniverseDomain());
    tell(told);
  }

  private static void verify(JsonObject asked) throws IOException {
    Map<String, TokenVerifier> verifiers = new HashMap<>();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonObject wanted = JsonParser.parseString(line).getAsJsonObject();
      String issuer = "iap".equals(text(asked, "how")) ? "https://cloud.google.com/iap" : "https://accounts.google.com";
      TokenVerifier verifier =
          verifiers.computeIfAbsent(
              text(wanted, "audience"),
              audience -> TokenVerifier.newBuilder().setAudience(audience).setIssuer(issuer).build());
      try {
        tell(Map.of("claims", verifier.verify(text(wanted, "token")).getPayload()));
      } catch (TokenVerifier.VerificationException refused) {
        tell(Map.of("refused", String.valueOf(refused.getMessage())));
      }
    }
  }

  /** Runs one flow. */
  public static void main(String[] arguments) throws IOException {
    JsonObject asked = JsonParser.parseString(arguments[1]).getAsJsonObject();
    switch (arguments[0]) {
      case "identity", "key" -> idToken((IdTokenProvider) credentials(asked), asked, options(asked));
      case "access", "key_access" -> accessToken(credentials(asked));
      case "impersonate" -> idToken(impersonated(asked), asked, options(asked));
      case "impersonate_access" -> accessToken(impersonated(asked));
      case "sign" -> {
        byte[] signature = impersonated(asked).sign(text(asked, "text").getBytes());
        tell(Map.of("signature", HexFormat.of().formatHex(signature)));
      }
      case "verify" -> verify(asked);
      default -> throw new IllegalArgumentException(arguments[0]);
    }
  }
}
