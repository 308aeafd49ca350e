
/*
 * Vectors for signing in: messages and signatures by public development
 * keys, tokens, addresses, digests.  Each was made with another
 * implementation.  A message of one repeated character is given by that and
 * its length.
 */

#ifndef WGW_DIN_H
#define WGW_DIN_H


typedef struct {
    const char  *name;
    const char  *message;
    size_t       repeat;        /* of the message's one character; or 0 */
    const char  *hash;
    const char  *signature;
} din_message_t;


typedef struct {
    const char  *name;
    const char  *signature;
    const char  *recovers;      /* by who does not look at s, or NULL */
    int          accept;
} din_signature_t;


typedef struct {
    const char  *name;
    const char  *secret;
    int64_t      now;
    const char  *token;
    int          accept;
} din_token_t;


typedef struct {
    const char  *input;
    size_t       repeat;
    const char  *digest;
} din_digest_t;


#define DIN_ADDRESS  "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


#ifdef DIN_MESSAGES

static const din_message_t  din_messages[] = {
    { "din-default",
      "provider.example wants you to sign in with your Ethereum account:\n"
      "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n"
      "\n"
      "\n"
      "URI: https://provider.example/auth\n"
      "Version: 1\n"
      "Chain ID: 1\n"
      "Nonce: abcdEFGH12345678\n"
      "Issued At: 2026-01-02T03:04:05Z\n"
      "Expiration Time: 2026-01-02T03:05:05Z", 0,
      "0x7f4d5500686b175a4bb76224e1b1ead1245b9adc8b7b9ac3d7f941cdbcb6efd1",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d61c" },
    { "statement",
      "provider.example wants you to sign in with your Ethereum account:\n"
      "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n"
      "\n"
      "Sign in\n"
      "\n"
      "URI: https://provider.example/auth\n"
      "Version: 1\n"
      "Chain ID: 1\n"
      "Nonce: abcdEFGH12345678\n"
      "Issued At: 2026-01-02T03:04:05Z\n"
      "Expiration Time: 2026-01-02T03:05:05Z", 0,
      "0x09d32d9ab220c470b8d950bf5094fb39210ec819f2177b08be3121b6fdf339db",
      "0x026c0a4c284068b523a04c109f397aee35bad8140cbc0eb9d6ade36357899cb1"
      "0924ae614f991e4f6b699731d71f5f7a505672f2fcbafd304487d8e1a44c9d2e1c" },
    { "ms",
      "provider.example wants you to sign in with your Ethereum account:\n"
      "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n"
      "\n"
      "\n"
      "URI: https://provider.example/auth\n"
      "Version: 1\n"
      "Chain ID: 1\n"
      "Nonce: abcdEFGH12345678\n"
      "Issued At: 2026-01-02T03:04:05.678Z\n"
      "Expiration Time: 2026-01-02T03:05:05Z", 0,
      "0xd1e0256f1f6a162a15ea6262009f912b66a8fb6acc74ccbcd9325f750154331b",
      "0x099c4a0f6c10c5fb29a5093331a879934bafa34db021677df5193b7d470cbfbf"
      "25c9d2aa972b22857c9dd0cb25d3b3286d477ea4d0af4f55a0a2371d8c158d081b" },
    { "utf8-length",
      "caf\303\251 \360\237\230\200", 0,
      "0xe1c0333449960e59ec62960ea759208b589b45ac41537357ae491d0954b9b6f9",
      "0xb3ba80637463367584b98428043794b31ec8750ecc98618be2962e74a409f4e1"
      "5075e93b219816dd1a873cabdaa1618cc358737d8d89bf5631908be8f6f09d8d1b" },
    { "empty",
      "", 0,
      "0x5f35dce98ba4fba25530a026ed80b2cecdaa31091ba4958b99b52ea1d068adad",
      "0xc1977b761f1dd36c29795783460d241885c8e7f9d962dbe7bba2753fd94e89b4"
      "44a1cd9ed855dd09afa3b73f7c2bd097ec9abc2d2775d737505a02d3f0cafa591b" },
    { "99-bytes",
      "a", 99,
      "0xf7dd7608b0c349a85025cf8cd0f25110ef341e555c5501bdf31719aee8831f1a",
      "0xa9e708862068983094e9070e56112d2636409eb4e871568483690284deb4e962"
      "28dd371294fd3279ec946377d3c37fe021852c78d65b90bf17d712ba1d9ce0151c" },
    { "100-bytes",
      "a", 100,
      "0x90b496d4433ae2fe10bba2f73ca6a210a57d8499db0ae5dfb05f3fbeeff2b0cf",
      "0x89ad3a3bc5a89207da942efe0e6aae700755f56560ab1f7ba3a474107f350ca3"
      "3a7447155ffcbed5c2877d4e966c3532be0d69cd564d7363eab3353836c84c231b" },
    { "135-bytes",
      "a", 135,
      "0xc3a0edd71cc09aa8c68e255e1260f2c5aca7486ac4357124291114b1df02c718",
      "0x41d705f2cc3f0c918b03e01bd2c74e8e6981c26984d4e777a89ae6d8b671586e"
      "45cc510cbd135c23723211680ee7236fd54fc6ff336db786caf31fdd436fdb5b1c" },
    { "136-bytes",
      "a", 136,
      "0x8bb59af93262a4046c2dfa396bb96c42f155facff85a2d0db3be68f11e5eea56",
      "0xdb1478155de38200fc62c54a3218ba3841b12253ca753327f18f28c1b89cea27"
      "77b943cef9c6e2aeaf2337126f8732eee8ed89e1ff79e0eceacf5973728ae60a1c" },
    { "137-bytes",
      "a", 137,
      "0x2b7eeff58182ca8a09623919513ea8b68d634dc750eaf9b11be6b865e2782fd5",
      "0x3fb41f4b2bfa646657088a091a49d7cf3d6f4ae73dcab8690b910e63951327ea"
      "3890b144546f4e5afd997873ba06069818d8723ac1fc602554f008f21b6555991c" },
    { "10000-bytes",
      "b", 10000,
      "0x7b8fcea5364607c0dcd2fc3789a7d28ddaeb48858d0d7facf23053e47fde8af5",
      "0x7c0f59b52ceece75b7d2e04e5c5c0e2c0cd5af4f9501f322531c36a140e3be8f"
      "277186b2082609ce877de7441c1460f77383ab7ea75d3c74ef57ac794b457da41c" },
    { "resources",
      "provider.example wants you to sign in with your Ethereum account:\n"
      "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n"
      "\n"
      "\n"
      "URI: https://provider.example/auth\n"
      "Version: 1\n"
      "Chain ID: 1\n"
      "Nonce: abcdEFGH12345678\n"
      "Issued At: 2026-01-02T03:04:05Z\n"
      "Expiration Time: 2026-01-02T03:05:05Z\n"
      "Not Before: 2026-01-02T03:04:00Z\n"
      "Request ID: r-1\n"
      "Resources:\n"
      "- ipfs://x/\n"
      "- https://example.com/y", 0,
      "0xef3e7701b19553dc5ff31d4768aa26e9cf80563c00148b5dbe22bca2196fdf8c",
      "0xc70f650fe87ae0e5fc19ff7e48c813393be7ba415cca7d4dbffb681861cf9712"
      "70e02b7dc4ff98607e59158a32806c10954fc48b48567b7760e3602d19c214671b" }
};


static const char  din_signed[] =
    "provider.example wants you to sign in with your Ethereum account:\n"
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266\n"
    "\n"
    "\n"
    "URI: https://provider.example/auth\n"
    "Version: 1\n"
    "Chain ID: 1\n"
    "Nonce: abcdEFGH12345678\n"
    "Issued At: 2026-01-02T03:04:05Z\n"
    "Expiration Time: 2026-01-02T03:05:05Z";


static const din_signature_t  din_signatures[] = {
    { "canonical",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d61c",
      "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", 1 },
    { "v as 0/1",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d601",
      "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", 1 },
    { "upper-case hex",
      "0x8BDE1395377B616970E90958E921312FB00CC01E7B347F147BD7492E610EC011"
      "53F686A9265853BD94DF9475C16C971776036F4EF4D3C8A03F61F2D7DE4908D61C",
      "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", 1 },
    { "high s, v flipped (malleable twin)",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "ac097956d9a7ac426b206b8a3e9368e744ab6d97ba74d79b80706bb4f1ed386b1b",
      "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", 0 },
    { "high s, v kept",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "ac097956d9a7ac426b206b8a3e9368e744ab6d97ba74d79b80706bb4f1ed386b1c",
      NULL, 0 },
    { "v flipped",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d61b",
      NULL, 0 },
    { "v + 27",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d637",
      NULL, 0 },
    { "v = 37",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d625",
      NULL, 0 },
    { "v = 2",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d602",
      NULL, 0 },
    { "v = 255",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d6ff",
      NULL, 0 },
    { "r = 0",
      "0x0000000000000000000000000000000000000000000000000000000000000000"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d61c",
      NULL, 0 },
    { "s = 0",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "00000000000000000000000000000000000000000000000000000000000000001c",
      NULL, 0 },
    { "s = n",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd03641411c",
      NULL, 0 },
    { "r = n",
      "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d61c",
      NULL, 0 },
    { "r not on curve range",
      "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d61c",
      NULL, 0 },
    { "64 bytes",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d6",
      NULL, 0 },
    { "66 bytes",
      "0x8bde1395377b616970e90958e921312fb00cc01e7b347f147bd7492e610ec011"
      "53f686a9265853bd94df9475c16c971776036f4ef4d3c8a03f61f2d7de4908d61c"
      "00",
      NULL, 0 },
    { "other signer",
      "0x7b8e26e412cf820968fa62c9a75d81316e6b09fb57016fc402a55149e1b820d0"
      "7cfb0c4829dd0fa3d57a4c75c17ce20583839488b7e4dd81ab24564467811b5e1c",
      "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", 0 },
    { "no EIP-191 prefix",
      "0xc3e1817939e6f8976e0c3e09a97bed95113968f4cd1e88d52efe85031fd2e0c2"
      "183166072c24efe5a12ae36eaf707bb0b073bb265481df4f463d5aaaec2c6e461c",
      NULL, 0 }
};

#endif /* DIN_MESSAGES */


#ifdef DIN_TOKENS

static const din_token_t  din_tokens[] = {
    { "as the Go provider mints it",
      "sharedsecret", 1767323045,
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsImlhd"
      "CI6MTc2NzMyMzA0NX0.79H9dJhR9isrQ1N91hj2kuF_KLwF1G0dNcZBTYdHlZI", 1 },
    { "one second before exp",
      "sharedsecret", 1767326644,
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsImlhd"
      "CI6MTc2NzMyMzA0NX0.79H9dJhR9isrQ1N91hj2kuF_KLwF1G0dNcZBTYdHlZI", 1 },
    { "at exp",
      "sharedsecret", 1767326645,
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsImlhd"
      "CI6MTc2NzMyMzA0NX0.79H9dJhR9isrQ1N91hj2kuF_KLwF1G0dNcZBTYdHlZI", 0 },
    { "secret with trailing newline is another key",
      "sharedsecret", 1767323045,
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsImlhd"
      "CI6MTc2NzMyMzA0NX0.cvkrDWe9vgB0U0mPHRytKSPTIPMz1gNjlR1cE-EAYuI", 0 },
    { "secret file ending in newline, used raw",
      "sharedsecret\n", 1767323045,
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsImlhd"
      "CI6MTc2NzMyMzA0NX0.cvkrDWe9vgB0U0mPHRytKSPTIPMz1gNjlR1cE-EAYuI", 1 },
    { "alg none",
      "sharedsecret", 1767323045,
      "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJleHAiOjE3NjczMjY2NDV9.", 0 },
    { "HS512",
      "sharedsecret", 1767323045,
      "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDV9.Gvka"
      "VWR1FPa9lHJdIsUPruO4dlb4ZYh_hA61S_oTesX8XfBCW8r4iuLAmqqAg8c8E1DepR"
      "AffIyH76Elcq89Ag", 0 },
    { "no exp",
      "sharedsecret", 1767323045,
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjczMjMwNDV9.BtK8"
      "Do0jY2g_7rfRat4rqLZO5VlEsmm1g5tAN71M51A", 0 },
    { "nbf in future",
      "sharedsecret", 1767323045,
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NjczMjY2NDUsIm5iZ"
      "iI6MTc2NzMyMzk5OX0.PJXESwxzbD5l1TiRbz7RldX2A_99F85pYwtxjtdh1Vw", 0 },
    { "crit",
      "sharedsecret", 1767323045,
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImNyaXQiOlsieCJdLCJ4IjoxfQ.eyJ"
      "leHAiOjE3NjczMjY2NDV9.Jnb3SGOj792sCc7QtSLG0M5qpO6igRWeRlN_Ld9C4K0", 0 }
};

#endif /* DIN_TOKENS */


#ifdef DIN_ADDRESSES

static const char *const  din_addresses[] = {
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
};

#endif /* DIN_ADDRESSES */


#ifdef DIN_DIGESTS

static const din_digest_t  din_digests[] = {
    { "", 0,
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" },
    { "abc", 0,
      "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45" },
    { "a", 135,
      "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446" },
    { "a", 136,
      "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e" },
    { "a", 137,
      "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39" },
    { "a", 272,
      "cf7fcd4f705ee749930d19ca84561a9bf62516bd90a471545fa2f49fdc7e63c8" }
};

#endif /* DIN_DIGESTS */


#endif /* WGW_DIN_H */
