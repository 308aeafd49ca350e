// lookups: what is known about contents, kept for a while and in bounds; the
// service is asked once for all who want to know the same.

import { container, delegate } from './delegation.mjs';
import { ServiceError, ask } from './service.mjs';

const ENTRY = 256;              // bytes that an entry takes beside its answer
const ROOM = 250000;            // of a container that a gateway takes: 256 KB

export class Lookups {

    constructor(conf, say) {
        this.conf = conf;
        this.say = say;
        this.kept = new Map();  // the oldest first
        this.bytes = 0;
        this.asks = new Map();
    }

    // { container }, or { status, why }

    async find(multihash) {
        const kept = this.kept.get(multihash.text);

        if (kept && kept.until > Date.now()) {
            return kept.answer;
        }

        let asked = this.asks.get(multihash.text);

        if (!asked) {
            if (this.asks.size >= this.conf.asks) {
                return { status: 503, why: 'too many look-ups' };
            }
            asked = this.ask(multihash);
            this.asks.set(multihash.text, asked);
        }

        return asked;
    }

    async ask(multihash) {
        try {
            const { claims, left } = await ask(this.conf, multihash);
            const answer = this.issue(multihash, claims, left);

            if (left.length) {
                this.say(`${multihash.text}: ${claims.length} claims, left `
                         + `out: ${left.join('; ')}`);
            }
            this.keep(multihash.text, answer);
            return answer;

        } catch (error) {
            if (!(error instanceof ServiceError)) {
                throw error;
            }
            this.say(`${multihash.text}: ${error.message}`);
            return { status: error.status, why: error.message };

        } finally {
            this.asks.delete(multihash.text);
        }
    }

    issue(multihash, claims, left) {
        const now = Math.floor(Date.now() / 1000);
        const tokens = [];
        let bytes = 0;

        for (const claim of claims) {
            const made = this.reissue(multihash, claim, now);

            bytes += made.reduce((sum, token) => sum + token.length + 3, 0);
            if (bytes > ROOM) {
                left.push('more than a container takes');
                break;
            }
            tokens.push(...made);
        }

        return tokens.length ? { container: container(tokens) }
            : { status: 404, why: 'no claims' };
    }

    // The commitment, and the delegation to the gateway if there is one.

    reissue(multihash, claim, now) {
        const { key, life, gateway, anyUrl } = this.conf;
        const content = ['==', '.content', multihash.bytes];
        const urls = claim.urls.map((url) => ['==', '.url', url]);
        const payer = claim.name ?? claim.payer;
        const token = {
            sub: key.did, claim: claim.cid,
            // the same for all of a period, so that it is the same token
            exp: Math.min((Math.floor(now / life) + 2) * life, claim.ends),
        };
        const tokens = [delegate(key, {
            ...token, part: 'commitment', iss: key.did, aud: payer,
            pol: anyUrl ? [content]
                : [content, urls.length > 1 ? ['or', urls] : urls[0]],
        })];

        if (claim.name) {
            tokens.push(delegate(key, {
                ...token, part: 'gateway', iss: payer, aud: gateway,
                pol: [content],
            }));
        }

        return tokens;
    }

    keep(text, answer) {
        const { fresh, keep } = this.conf;

        this.drop(text);

        if (fresh === 0) {
            return;
        }

        const size = ENTRY + (answer.container?.length ?? 0);
        this.kept.set(text, { answer, size, until: Date.now() + 1000 * fresh });
        this.bytes += size;

        for (const oldest of this.kept.keys()) {
            if (this.bytes <= keep) {
                break;
            }
            this.drop(oldest);
        }
    }

    drop(text) {
        const kept = this.kept.get(text);

        if (kept) {
            this.kept.delete(text);
            this.bytes -= kept.size;
        }
    }
}
