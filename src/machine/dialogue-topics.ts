/**
 * What a question is about, from its words. The exact words are not known for any release, so they are matched loosely. But a wrong answer
 * is worse than none: a question that is, or may be, about something else matches nothing.
 */

export const PROMPT_IDS = [
  'password',
  'enter',
  'confirm',
  'decline',
  'nameservers',
  'search',
  'gateway',
  'netmask',
  'interface',
  'address',
] as const;
export type PromptId = (typeof PROMPT_IDS)[number];

interface PromptRow {
  readonly id: PromptId;
  readonly asks: RegExp;
  /** The question is about something else. */
  readonly except?: RegExp;
}

const NETWORK_WORDS = String.raw`\b(dns\d?|name\s*-?servers?|resolvers?|search|domains?|gateway|routes?|router|(net|subnet)\s*-?mask|ip(v4)?|address|interface)\b`;
/** Addresses of other things, or of another kind than ours. */
const OTHER_ADDRESS = String.raw`\b(e-?mail|mac|hardware|broadcast|ntp|time ?servers?|proxy|smtp|ldap|licen[cs]e|mbus|nats|core|peer|vpn|bridge|docker|lxc|containers?|loopback|cidr|prefix|range|pool)\b|^(?!.*\bipv4\b).*\b(ipv6|inet6)\b|\d\.\d+\/\d`;

/** The first row whose `asks` matches decides, even if its `except` does too. Specific rows come first ("DNS search domain", "IP address of the gateway"). */
const PROMPTS: readonly PromptRow[] = [
  {
    id: 'password',
    asks: /\bpassword\b/i,
    // The account's password is for sudo only: not for a database, and not where a new one is wanted.
    except:
      /^(?!.*\[sudo\]).*\b(new|again|retype|re-enter|repeat|confirm|choose|set|change|mysql|postgres\w*|database|db|admin\w*|root|console)\b/i,
  },
  {
    id: 'enter',
    // "Enter the gateway and press ENTER" asks for the gateway; "or press ENTER" says how to skip a value.
    asks: new RegExp(
      String.raw`(^\W*|^(?!.*${NETWORK_WORDS}).*(?<!\bor (just |simply )?))\b(press|hit|strike)\b.{0,12}\b(enter|return|key)\b\W*((key )?to (continue|proceed|go on|finish|end|exit|close|leave|return|start|begin)\b.*)?$`,
      'i',
    ),
    except: new RegExp(String.raw`\b(re-?boot|re-?start|shut)|${NETWORK_WORDS}`, 'i'),
  },
  { id: 'nameservers', asks: /\bdomain\s+name\s*-?servers?\b/i, except: new RegExp(OTHER_ADDRESS, 'i') },
  {
    id: 'search',
    asks: /\bsearch\b|\bdomains\b|\b(dns|local|default|resolver) (domain|suffix)\b|\bsuffix(es)?\b|\bdomain\b.*\b(optional|lookups?|none)\b|^\W*domain\W*$/i,
    except: /^(?!.*\bsearch\b).*\b(qualified|fqdn|host|machine|node|vm|e-?mail|admin\w*|cloud|api|endpoint|ldap)\b/i,
  },
  {
    id: 'nameservers',
    asks: /\bdns\d?\b|\bname\s*-?servers?\b|\bresolvers?\b|\bforwarders?\b/i,
    except: new RegExp(String.raw`${OTHER_ADDRESS}|\b(name|suffix|port|zone|key) ?\W*$`, 'i'),
  },
  {
    id: 'gateway',
    asks: /\b(gateway|gw|router|next hop)\b|\bdefault route\b/i,
    except: new RegExp(OTHER_ADDRESS, 'i'),
  },
  {
    id: 'netmask',
    asks: /\b((net|sub-?net)\s*-?)?mask\b|\bgenmask\b|\bsubnet\b.*\b255\./i,
    except: /^(?!.*\b255\.).*\b(cidr|prefix|bits|length)\b/i,
  },
  // "Which interface should get the IP?" asks for an interface; "IP address of interface eth0" and "interface address" do not.
  {
    id: 'interface',
    asks: /^(?:(?!\bip\b|\baddress\b).)*\b(interface(?!(['’]s)? (ip|address))|nic|network (device|card|adapter)|device\b.*\beth\d)\b/i,
    except: /\b(number|index|how many|second|other)\b/i,
  },
  {
    id: 'address',
    asks: /\bip(v4)?\b|\baddress\b/i,
    except: new RegExp(
      String.raw`${OTHER_ADDRESS}|\bnetwork address\b|\b(public|elastic|external|floating|outside|second(ary)?|other|remote|server|virtual|alias|version|method|mode|type|assignment|addresses)\b`,
      'i',
    ),
  },
];

const OFFER = /\b(yes|no?|y)\s*(?:[/|,]|\bor\b)\s*(yes|no?|y)\b|\[(y)(n)[^\]]*\]|\((y)\)es\W+\((n)\)o\b/i;
const STARTS_CHOICE =
  /^\W*(do|does|is|are|shall|should|would|can|may|will|apply|save|write|use|commit|really|keep|overwrite)\b.*\?|\b(correct|proceed|continue|okay|ok|sure|accept|agree|confirm)\b[^?]*\?/i;
/** Not a yes/no question, however it begins. */
const WANTS_WORDS = /\b(what|which|where)\b|\b(you|please) (please )?(enter|type|give|tell|specify|provide)\b/i;
const TYPE_WORD =
  /\b(?:type|enter|say|answer)\s+(?:the word\s+)?['"`‘“]?(yes|y|ok|apply|write|save|continue|proceed|commit)\b/i;

const AFFIRMS =
  /\b(correct|right|proceed|continue|go (on|ahead)|ok(ay)?|sure|apply|save|write|commit|accept|agree|confirm|store|look (good|fine)|use(?! dhcp| ipv6)|keep th(is|ese)|overwrite|to (a )?static|with (a )?static)\b|\b(configure|set|set up|enter|specify|provide)\b.*\b(static|dns|name\s*-?servers?|search)\b/i;
const DECLINES =
  /\b(re-?boot|re-?start|reload|abort|cancel|quit|exit|discard|undo|go back|start over|edit|modify|redo|revert)\b|\bchange (any|some|these|them)|\banything else\b|\b(another|more|additional|second) (interface|address|nic)|\bdhcp\b(?!.*\bstatic\b)|\bipv6\b/i;
/** Neither yes nor no is certain to be harmless. */
const UNCLEAR =
  /\b(password|proxy|ntp|delete|erase|remove|destroy|format|reset|not|n['’]t|without|(?<!dhcp )instead)\b/i;

/** The answer that the question wants; undefined if it may be about something else. */
export function topicOf(prompt: string): PromptId | undefined {
  if (isYesNo(prompt)) return yesNoTopicOf(prompt);
  return subjectOf(prompt);
}

/** What it is about, even if it only wants a yes or no. Text in brackets explains, and counts only if the rest says nothing. */
export function subjectOf(prompt: string): PromptId | undefined {
  return rowOf(withoutBrackets(prompt), prompt) ?? rowOf(prompt, prompt);
}

/** Whether it wants a yes or no. */
export function isYesNo(prompt: string): boolean {
  return OFFER.test(prompt) || TYPE_WORD.test(prompt) || (STARTS_CHOICE.test(prompt) && !WANTS_WORDS.test(prompt));
}

/** The yes or no in the words that the prompt offers: a program that offers y/n may not know "yes". */
export function yesNoWord(prompt: string, answer: string): string {
  const typed = TYPE_WORD.exec(prompt)?.[1];
  if (typed !== undefined) return answer === 'yes' ? typed : answer;
  const offered = (OFFER.exec(prompt) ?? []).slice(1).filter((word) => word !== undefined);
  const word = offered.find((one) => one.slice(0, 1).toLowerCase() === answer.slice(0, 1));
  // A single capital letter only marks the default.
  const capitals = offered.length > 0 && offered.every((one) => one === one.toUpperCase());
  return word === undefined ? answer : capitals ? word : word.toLowerCase();
}

function yesNoTopicOf(prompt: string): PromptId | undefined {
  const words = withoutBrackets(prompt.replace(OFFER, ' '));
  const [yes, no] = [AFFIRMS.test(words) || TYPE_WORD.test(prompt), DECLINES.test(words)];
  return yes === no || UNCLEAR.test(words) ? undefined : yes ? 'confirm' : 'decline';
}

function rowOf(text: string, prompt: string): PromptId | undefined {
  const all = prompt.replace(/\bnot\b[^),.;]*/gi, ' ');
  const row = PROMPTS.find(({ asks }) => asks.test(text));
  return row?.except?.test(row.id === 'password' ? prompt : all) === true ? undefined : row?.id;
}

function withoutBrackets(prompt: string): string {
  return prompt.replace(/\([^()]*\)|\[[^[\]]*\]|<[^<>]*>/g, ' ');
}
