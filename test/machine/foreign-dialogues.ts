/** Dialogues of `kato op static_ip` as people who never saw our code might have written them. */

import { staticIpAnswers } from '../../src/machine/network';
import type { PromptId } from '../../src/machine/dialogue';

export const ANSWERS: Readonly<Partial<Record<PromptId, string>>> = {
  ...staticIpAnswers({
    interface: 'eth0',
    address: '10.1.2.11',
    netmask: '255.255.255.0',
    gateway: '10.1.2.1',
    nameservers: ['172.16.0.23', '172.16.0.24'],
    search: ['cloud.internal'],
  }),
  password: 'the password',
};

/** What is printed, what it asks for, and what to type if that is not simply the answer. */
export type Turn = readonly [printed: string, id: PromptId, typed?: string];

export interface Dialogue {
  readonly style: string;
  readonly turns: readonly Turn[];
}

const SUDO: Turn = ['[sudo] password for stackato: ', 'password'];
const LECTURE = `
We trust you have received the usual lecture from the local System
Administrator. It usually boils down to these three things:

    #1) Respect the privacy of others.
    #2) Think before you type.
    #3) With great power comes great responsibility.

`;
const RULE = '-'.repeat(60);

export const DIALOGUES: readonly Dialogue[] = [
  {
    style: 'is polite',
    turns: [
      [
        'Welcome! We will now set a static IP address for this virtual machine.\n\nWhat IP address would you like this machine to have? ',
        'address',
      ],
      ['Thank you. And what netmask should it use, please? ', 'netmask'],
      ['Could you please tell me the address of your default gateway? ', 'gateway'],
      ['Which DNS servers should we use (space separated, optional)? ', 'nameservers'],
      ['Would you like to give any search domains? Please enter them here, or leave it empty: ', 'search'],
      SUDO,
    ],
  },
  {
    style: 'is terse',
    turns: [
      ['IP: ', 'address'],
      ['Mask: ', 'netmask'],
      ['GW: ', 'gateway'],
      ['DNS: ', 'nameservers'],
      ['Domain: ', 'search'],
      ['OK? ', 'confirm'],
      ['Password:', 'password'],
    ],
  },
  {
    style: 'has no punctuation',
    turns: [
      ['Static IP\nAddress ', 'address'],
      ['Netmask\n', 'netmask'],
      ['And the gateway, please\n', 'gateway'],
      ['Name servers ', 'nameservers'],
      ['Search domains\n', 'search'],
      SUDO,
    ],
  },
  {
    style: 'has no punctuation',
    turns: [
      ['Network card\n', 'interface'],
      ['Address of this machine ', 'address'],
      ['Netmask\n', 'netmask'],
      ['And the gateway, please\n', 'gateway'],
      ['Name servers ', 'nameservers'],
      ['Search domains\n', 'search'],
      SUDO,
    ],
  },
  {
    style: 'has no punctuation',
    turns: [
      ['Network card\n', 'interface'],
      ['Address of this machine ', 'address'],
      ['Netmask\n', 'netmask'],
      ['And the gateway, please\n', 'gateway'],
      ['Name servers ', 'nameservers'],
      ['Search domains\n', 'search'],
      SUDO,
    ],
  },
  {
    style: 'shouts',
    turns: [
      ['*** STATIC NETWORK SETUP ***\nSTATIC IP ADDRESS? ', 'address'],
      ['NETMASK? ', 'netmask'],
      ['GATEWAY? ', 'gateway'],
      ['NAME SERVERS? ', 'nameservers'],
      ['SEARCH DOMAINS? ', 'search'],
      ['WRITE SETTINGS (YES/NO)? ', 'confirm', 'YES'],
      ['[SUDO] PASSWORD FOR stackato: ', 'password'],
    ],
  },
  {
    style: 'counts the questions',
    turns: [
      ['(1/5) Static IP address: ', 'address'],
      ['(2/5) Netmask: ', 'netmask'],
      ['(3/5) Gateway: ', 'gateway'],
      ['(4/5) DNS servers: ', 'nameservers'],
      ['(5/5) Search domains: ', 'search'],
      SUDO,
    ],
  },
  {
    style: 'numbers the questions as in a list',
    turns: [
      ['1. Address of this machine: ', 'address'],
      ['2. Subnet mask: ', 'netmask'],
      ['3. Default route: ', 'gateway'],
      ['4. Upstream DNS: ', 'nameservers'],
      ['5. Search domains (optional): ', 'search'],
      ['Write these settings? (Y/n) ', 'confirm', 'y'],
      SUDO,
    ],
  },
  {
    style: 'says which step it is',
    turns: [
      ['Step 1 of 5 - IP address> ', 'address'],
      ['Step 2 of 5 - netmask> ', 'netmask'],
      ['Step 3 of 5 - gateway> ', 'gateway'],
      ['Step 4 of 5 - DNS servers> ', 'nameservers'],
      ['Step 5 of 5 - DNS search domains> ', 'search'],
      SUDO,
    ],
  },
  {
    style: 'gives examples that mention other values',
    turns: [
      ['Enter the new IP (e.g. 10.0.0.5): ', 'address'],
      ['Enter the netmask (e.g. 255.255.255.0 for a /24 subnet): ', 'netmask'],
      ['Enter the gateway (the IP address of your router, often also the DNS server): ', 'gateway'],
      [
        'Enter the DNS servers (e.g. 8.8.8.8 8.8.4.4, the IP addresses of your resolvers, not of the gateway): ',
        'nameservers',
      ],
      ['Enter the search domains (e.g. example.com corp.example.com): ', 'search'],
      SUDO,
    ],
  },
  {
    style: 'shows current values',
    turns: [
      ['IP address [10.1.2.99]: ', 'address'],
      ['Netmask [255.255.255.0]: ', 'netmask'],
      ['Gateway [10.1.2.1]: ', 'gateway'],
      ['Nameservers [172.16.0.23]: ', 'nameservers'],
      ['Search domains [none]: ', 'search'],
      ['Is this OK [yes/no]? ', 'confirm', 'yes'],
      SUDO,
    ],
  },
  {
    style: 'says "currently"',
    turns: [
      ['Static IP address (currently 10.1.2.11, by DHCP): ', 'address'],
      ['Netmask (currently 255.255.255.0): ', 'netmask'],
      ['Gateway (currently 10.1.2.1): ', 'gateway'],
      ['DNS (currently 172.16.0.23 172.16.0.24): ', 'nameservers'],
      ['DNS search (currently cloud.internal): ', 'search'],
      ['Apply changes now? [y/N] ', 'confirm', 'y'],
      SUDO,
    ],
  },
  {
    style: 'needs several lines for a question',
    turns: [
      ['Enter the IP address that this machine\nshould use from now on: ', 'address'],
      ['The netmask tells which part of it is the network.\nNetmask\n  (usually 255.255.255.0): ', 'netmask'],
      ['Type in the IP address of the router which\nleads out of this network: ', 'gateway'],
      ['Which name servers do you use?\nSeparate them by spaces, or just press ENTER.\n> ', 'nameservers'],
      ['Which search domains?\n> ', 'search'],
      SUDO,
    ],
  },
  {
    style: 'has its prompt character on a separate line',
    turns: [
      ['What is the address of this machine?\n=> ', 'address'],
      ['What is the subnet mask?\n=> ', 'netmask'],
      ['What is the gateway?\n=> ', 'gateway'],
      ['What are the DNS servers? (optional)\n=> ', 'nameservers'],
      ['What are the search domains? (optional)\n=> ', 'search'],
      SUDO,
    ],
  },
  {
    style: 'draws rules between lines, like a form',
    turns: [
      [`${RULE}\n Static IP\n${RULE}\nIP address\n${RULE}\n> `, 'address'],
      [`Netmask\n${RULE}\n> `, 'netmask'],
      [`Gateway\n${RULE}\n> `, 'gateway'],
      [`DNS servers:\n${RULE}\n`, 'nameservers'],
      [`Search domains:\n${RULE}\n`, 'search'],
      [`${RULE}\nSave (y/n)? `, 'confirm', 'y'],
      SUDO,
    ],
  },
  {
    style: 'leaves blanks to be filled in',
    turns: [
      ['IP address: ___.___.___.___\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b', 'address'],
      ['Netmask: _______________\b\b\b', 'netmask'],
      ['Gateway: ________', 'gateway'],
      ['Name servers: ________', 'nameservers'],
      ['Search domains: ________', 'search'],
      SUDO,
    ],
  },
  {
    style: 'is colourful and resets colours at the end',
    turns: [
      ['\x1b[1m\x1b[36m?\x1b[0m \x1b[1mStatic IP address\x1b[0m \x1b[2m›\x1b[0m \x1b[0m', 'address'],
      ['\x1b[36m?\x1b[0m \x1b[1mNetmask\x1b[0m \x1b[2m›\x1b[0m \x1b[0m', 'netmask'],
      ['\x1b[36m?\x1b[0m \x1b[1mGateway\x1b[0m \x1b[2m›\x1b[0m \x1b[0m', 'gateway'],
      ['\x1b[36m?\x1b[0m \x1b[1mDNS servers\x1b[0m \x1b[2m›\x1b[0m \x1b[0m', 'nameservers'],
      ['\x1b[36m?\x1b[0m \x1b[1mSearch domains\x1b[0m \x1b[2m›\x1b[0m \x1b[0m', 'search'],
      ['\x1b[36m?\x1b[0m \x1b[1mWrite the configuration?\x1b[0m \x1b[2m(Y/n)\x1b[0m \x1b[0m', 'confirm', 'y'],
      ['\x1b[31mPassword:\x1b[0m ', 'password'],
    ],
  },
  {
    style: 'redraws its line',
    turns: [
      ['Loading |\rLoading /\rLoading -\r\x1b[KIP address: \r\x1b[KIP address: \x1b[?25h', 'address'],
      ['\r\x1b[K\x1b[32mok\x1b[0m\nNetmask: ', 'netmask'],
      ['\r\x1b[2KGateway: ', 'gateway'],
      ['Checking the gateway... |\rChecking the gateway... done\n\r\x1b[2KDNS servers: ', 'nameservers'],
      ['\r\x1b[2KSearch domains: ', 'search'],
      SUDO,
    ],
  },
  {
    style: 'repeats each answer',
    turns: [
      ['Static IP: ', 'address'],
      ['  IP address: 10.1.2.11\nNetmask: ', 'netmask'],
      ['  Netmask: 255.255.255.0\nGateway: ', 'gateway'],
      ['  Gateway: 10.1.2.1\nName servers: ', 'nameservers'],
      ['  Name servers: 172.16.0.23, 172.16.0.24\nSearch domains: ', 'search'],
      ['  Search domains: cloud.internal\n\nDo these settings look good? [Y/n] ', 'confirm', 'y'],
      SUDO,
    ],
  },
  {
    style: 'warns first and asks whether to go on',
    turns: [
      ['Warning: this changes the network of this machine. Continue? [y/N] ', 'confirm', 'y'],
      ['Note: leave an optional value empty to skip it. IP address: ', 'address'],
      ['Netmask: ', 'netmask'],
      ['Gateway: ', 'gateway'],
      ['(optional) DNS: ', 'nameservers'],
      ['(optional) Search domains: ', 'search'],
      ['Are you sure you want to write /etc/network/interfaces? (yes or no) ', 'confirm', 'yes'],
      SUDO,
    ],
  },
  {
    style: 'asks for the sudo password first, and lets sudo lecture',
    turns: [
      [`kato needs root for this.\n${LECTURE}[sudo] password for stackato: `, 'password'],
      ['Static IP address: ', 'address'],
      ['Netmask: ', 'netmask'],
      ['Gateway: ', 'gateway'],
      ['DNS nameservers: ', 'nameservers'],
      ['DNS search domains: ', 'search'],
    ],
  },
  {
    style: 'asks for optional values first, with a lecture by sudo',
    turns: [
      ['Interface to configure (eth0): ', 'interface'],
      ['DNS search domain(s), if any: ', 'search'],
      ['DNS server(s), if any: ', 'nameservers'],
      ['Gateway for eth0: ', 'gateway'],
      ['IP for eth0: ', 'address'],
      ['Mask for eth0: ', 'netmask'],
      [`${LECTURE}[sudo] password for stackato: `, 'password'],
    ],
  },
  {
    style: 'wants name servers one at a time',
    turns: [
      ['IP address: ', 'address'],
      ['Netmask: ', 'netmask'],
      ['Gateway: ', 'gateway'],
      ['Enter name servers one at a time; an empty line ends the list.\nName server: ', 'nameservers', '172.16.0.23'],
      ['Name server: ', 'nameservers', '172.16.0.24'],
      ['Name server: ', 'nameservers', ''],
      ['Search domain (empty to finish): ', 'search', 'cloud.internal'],
      ['Search domain (empty to finish): ', 'search', ''],
      SUDO,
    ],
  },
  {
    style: 'asks whether there is another value',
    turns: [
      ['IP address: ', 'address'],
      ['Netmask: ', 'netmask'],
      ['Gateway: ', 'gateway'],
      ['First name server: ', 'nameservers', '172.16.0.23'],
      ['Another name server? ', 'nameservers', '172.16.0.24'],
      ['Another? ', 'nameservers', ''],
      ['DNS search domains: ', 'search'],
      ['Add another search domain? [y/N] ', 'search', 'n'],
      SUDO,
    ],
  },
  {
    style: 'asks for a yes before each value',
    turns: [
      ['IP address: ', 'address'],
      ['Netmask: ', 'netmask'],
      ['Gateway: ', 'gateway'],
      ['Primary DNS: ', 'nameservers', '172.16.0.23'],
      ['Do you want to enter another DNS server? [y/N] ', 'nameservers', 'y'],
      ['Secondary DNS: ', 'nameservers', '172.16.0.24'],
      ['Do you want to enter another DNS server? [y/N] ', 'nameservers', 'n'],
      ['Do you want to set search domains? [y/N] ', 'confirm', 'y'],
      ['Search domains: ', 'search'],
      SUDO,
    ],
  },
  {
    style: 'numbers the name servers and has room for three',
    turns: [
      ['IPv4 address: ', 'address'],
      ['IPv4 netmask: ', 'netmask'],
      ['IPv4 gateway: ', 'gateway'],
      ['DNS server 1: ', 'nameservers', '172.16.0.23'],
      ['DNS server 2: ', 'nameservers', '172.16.0.24'],
      ['DNS server 3 (optional): ', 'nameservers', ''],
      ['DNS suffix: ', 'search'],
      SUDO,
    ],
  },
  {
    style: 'would restart the network at once, and wants ENTER at the end',
    turns: [
      ['IP address: ', 'address'],
      ['Netmask: ', 'netmask'],
      ['Gateway: ', 'gateway'],
      ['Name servers: ', 'nameservers'],
      ['Search domains: ', 'search'],
      SUDO,
      ['Settings written.\nRestart networking now? [y/N] ', 'decline', 'n'],
      ['Press ENTER to continue...', 'enter'],
    ],
  },
  {
    style: 'wants keys pressed',
    turns: [
      ['This program sets a static IP address.\nPress any key to begin ', 'enter'],
      ['IP address: ', 'address'],
      ['Netmask: ', 'netmask'],
      ['Type the gateway and press ENTER: ', 'gateway'],
      ['Name servers, or press ENTER for none: ', 'nameservers'],
      ['Search domains: ', 'search'],
      ['Hit <Return> to continue, Ctrl-C to abort: ', 'enter'],
      ['Password: ', 'password'],
    ],
  },
  {
    style: 'wants the whole word typed',
    turns: [
      ['New IP: ', 'address'],
      ['New netmask: ', 'netmask'],
      ['New gateway: ', 'gateway'],
      ['New DNS: ', 'nameservers'],
      ['New search domains: ', 'search'],
      ['Do you want to use DHCP instead? (y/n) ', 'decline', 'n'],
      ['Type "YES" to write the settings: ', 'confirm', 'YES'],
      SUDO,
    ],
  },
  {
    style: 'offers detected values',
    turns: [
      ['Use address 10.1.2.11 for eth0? (Y)es/(N)o ', 'confirm', 'Y'],
      ['Use netmask 255.255.255.0? (Y)es/(N)o ', 'confirm', 'Y'],
      ['Use gateway 10.1.2.1? (Y)es/(N)o ', 'confirm', 'Y'],
      ['Nameservers, comma or space separated [172.16.0.23 172.16.0.24]: ', 'nameservers'],
      ['Search path: ', 'search'],
      ['All right? [Yn] ', 'confirm', 'y'],
      SUDO,
    ],
  },
  {
    style: 'puts the answer on the next line',
    turns: [
      ['Enter the IP address of this host\n', 'address'],
      ['Enter the netmask in dotted form\n', 'netmask'],
      ['Enter the default gateway\n', 'gateway'],
      ['Enter the DNS servers (optional)\n', 'nameservers'],
      ['Enter the DNS search list (optional)\n', 'search'],
      ['Proceed?\n', 'confirm'],
      SUDO,
    ],
  },
  {
    style: 'aligns with dots',
    turns: [
      ['IP address .......: ', 'address'],
      ['Netmask ..........: ', 'netmask'],
      ['Gateway ..........: ', 'gateway'],
      ['DNS servers ......: ', 'nameservers'],
      ['Search domains ...: ', 'search'],
      ['Correct? (y/N): ', 'confirm', 'y'],
      SUDO,
    ],
  },
  {
    style: 'writes like an installer',
    turns: [
      [
        'Configure the network\n\nThe IP address is unique to your computer and may be:\n\n * four numbers separated by periods (IPv4);\n * blocks of hexadecimal characters separated by colons (IPv6).\n\nIP address: ',
        'address',
      ],
      ['The netmask is used to determine which machines are local to your network.\n\nNetmask: ', 'netmask'],
      [
        'The gateway is an IP address (four numbers separated by periods) that indicates the\ngateway router, also known as the default router.\n\nGateway: ',
        'gateway',
      ],
      [
        'Please enter the IP addresses (not host names) of up to 3 name servers, separated by\nspaces. Do not use commas.\n\nName server addresses: ',
        'nameservers',
      ],
      [
        'The domain name is the part of your Internet address to the right of your host name.\n\nSearch domains: ',
        'search',
      ],
      ['Is this information correct? [Yes/No] ', 'confirm', 'yes'],
      SUDO,
    ],
  },
];

/** Questions without a known answer: no answer is better than a wrong one. */
export const UNANSWERABLE: readonly string[] = [
  'Public IP address: ',
  'IP address with prefix (e.g. 10.0.0.5/24): ',
  'Address in CIDR notation: ',
  'Prefix length: ',
  'IPv6 address: ',
  'IP address of the core node: ',
  'NTP server address: ',
  'Proxy address: ',
  'IP version (4/6): ',
  'Fully qualified domain name: ',
  'Host name: ',
  'MTU: ',
  'Number of the interface (1-3): ',
  'Use gateway 10.1.2.254? [Y/n] ',
  'Use 10.9.9.9 as the address of this machine? ',
  'Delete the present configuration? [y/N] ',
  'Write the settings and reboot now? [y/N] ',
  'Reset the network? (yes/no) ',
  'Change the password of stackato as well? [y/N] ',
  'Do you want to change these values or continue? [y/n] ',
  'Install updates? [Y/n] ',
  'Configure a proxy? [y/N] ',
  '1) eth0\n2) lo\nYour choice: ',
  'New UNIX password: ',
  'Enter passphrase: ',
  'DNS zone: ',
  'Broadcast: ',
  'Continue without name servers? [y/n] ',
  'Search for updates? [y/n] ',
  'Press ENTER to reboot: ',
  'Subnet: ',
];
