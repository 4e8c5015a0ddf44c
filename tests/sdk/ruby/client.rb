# googleauth, unmodified, one flow a run: `client.rb FLOW '{"parameter": …}'`; the answer is a line of JSON.
require "googleauth"
require "googleauth/id_tokens"
require "json"

PLATFORM = "https://www.googleapis.com/auth/cloud-platform".freeze
PEM = "https://www.googleapis.com/oauth2/v1/certs".freeze
ISSUERS = ["accounts.google.com", "https://accounts.google.com"].freeze

def tell(answer)
  puts JSON.generate(answer)
  $stdout.flush
end

def identity(asked)
  client = Google::Auth::GCECredentials.new target_audience: asked["audience"]
  client.fetch_access_token!
  tell token: client.id_token
end

def access(_asked)
  client = Google::Auth.get_application_default PLATFORM
  client.fetch_access_token!
  tell token: client.access_token, expiry: client.expires_at&.utc&.strftime("%FT%TZ")
end

def made(asked, **more)
  Google::Auth::ServiceAccountCredentials.make_creds json_key_io: File.open(asked["file"]), **more
end

def key(asked)
  client = made asked, target_audience: asked["audience"]
  client.fetch_access_token!
  tell token: client.id_token
end

def key_access(asked)
  client = made asked, scope: PLATFORM
  client.fetch_access_token!
  tell token: client.access_token
end

def verifier(how)
  tokens = Google::Auth::IDTokens
  case how
  when "x509"
    it = tokens::Verifier.new key_source: tokens::X509CertHttpKeySource.new(PEM), iss: ISSUERS
    ->(token, audience) { it.verify token, aud: audience }
  when "iap"
    ->(token, audience) { tokens.verify_iap token, aud: audience }
  else
    ->(token, audience) { tokens.verify_oidc token, aud: audience }
  end
end

# Verifies one token a line, in one process.
def verify(asked)
  check = verifier asked["how"]
  $stdin.each_line do |line|
    wanted = JSON.parse line
    begin
      tell claims: check.call(wanted["token"], wanted["audience"])
    rescue StandardError => e
      tell refused: "#{e.class}: #{e.message}"
    end
  end
end

send ARGV[0], JSON.parse(ARGV[1])
