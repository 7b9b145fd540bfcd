/**
 * Every way a deployment can fail: a stable code (an API: it is the `type` of the ApplicationFailure), who can mend it,
 * whether trying again helps by itself, and what to do.
 */

export type Owner = 'user' | 'cloud' | 'host' | 'dns' | 'tool';

interface ErrorRow {
  readonly owner: Owner;
  /** `yes`: retried until the step's deadline. `no`: the step needs attention at once. `not-yet`: no failure, just not there yet. */
  readonly retry: 'yes' | 'no' | 'not-yet';
  readonly remedy: string;
  /** Another worker might not fail so: the message names the one that did. */
  readonly ofTheWorker?: true;
}

export const ERRORS = {
  SECRET_MISSING: {
    owner: 'user',
    retry: 'no',
    remedy:
      "Set the variable or create the file on the worker's machine (restart the worker for a variable), then resume.",
    ofTheWorker: true,
  },
  CLOUD_CREDENTIALS: {
    owner: 'user',
    retry: 'no',
    remedy:
      'Give the worker an access key and secret key that this cloud accepts, with their session token if they are temporary, then resume.',
    ofTheWorker: true,
  },
  CLOUD_PERMISSION: { owner: 'cloud', retry: 'no', remedy: 'Let the account do the call named above, then resume.' },
  CLOUD_UNREACHABLE: {
    owner: 'cloud',
    retry: 'yes',
    remedy: 'Check cloud.endpoint, the network between worker and cloud with its proxy, and cloud.ca, then resume.',
  },
  CLOUD_PROXY: {
    owner: 'user',
    retry: 'no',
    remedy:
      "Correct HTTPS_PROXY, HTTP_PROXY or NO_PROXY in the worker's environment, or let the proxy let it through; restart the worker, then resume.",
    ofTheWorker: true,
  },
  CLOUD_THROTTLED: {
    owner: 'cloud',
    retry: 'yes',
    remedy: 'The cloud asks for fewer calls. Wait a while, then resume.',
  },
  CLOUD_ERROR: { owner: 'cloud', retry: 'yes', remedy: 'The cloud failed by itself. When it is well again, resume.' },
  CLOUD_REFUSED: {
    owner: 'cloud',
    retry: 'no',
    remedy: 'Read what the cloud says above, mend the cause, then resume.',
  },
  CLOUD_CLOCK: {
    owner: 'user',
    retry: 'no',
    remedy: "Set the worker's clock (NTP): the cloud refuses requests from another time. Then resume.",
    ofTheWorker: true,
  },
  IMAGE_NOT_FOUND: {
    owner: 'user',
    retry: 'no',
    remedy: 'Put an image id into image.id that this account can see, abort, and run up again.',
  },
  IMAGE_SOURCE_MISSING: {
    owner: 'user',
    retry: 'no',
    remedy: 'Put the image file there (a worker looks on its own machine), then resume.',
    ofTheWorker: true,
  },
  IMAGE_SOURCE_UNREACHABLE: {
    owner: 'user',
    retry: 'yes',
    remedy: 'See that the worker can fetch that URL, then resume: it goes on where it stopped.',
  },
  IMAGE_SOURCE_UNREADABLE: {
    owner: 'user',
    retry: 'no',
    remedy: 'Make it a plain file that may be read, on a disk that works, then resume.',
  },
  IMAGE_SOURCE_CHANGED: {
    owner: 'user',
    retry: 'no',
    remedy:
      'Something writes to the image file. Wait until it is complete and nobody uses it, then resume: it is read anew.',
  },
  IMAGE_SOURCE_DAMAGED: {
    owner: 'user',
    retry: 'no',
    remedy: 'The file is cut off or damaged. Fetch it again, then resume.',
  },
  IMAGE_FORMAT: {
    owner: 'user',
    retry: 'no',
    remedy: 'Give the raw image, or unpack it yourself and give the result, then resume.',
  },
  IMAGE_TOO_BIG: {
    owner: 'user',
    retry: 'no',
    remedy: 'Shrink the image, or have the limit of the cloud raised, then resume.',
  },
  IMAGE_PREFIX: {
    owner: 'user',
    retry: 'no',
    remedy:
      'Choose another name: letters, digits and . _ - (at most 99), and for a machine image none that begins with vmlinuz, initrd or windows; abort, and run up again.',
  },
  IMAGE_NAME: {
    owner: 'user',
    retry: 'no',
    remedy: 'Choose a name of 3 to 128 letters, digits and ( ) . / _ -, abort, and run up again.',
  },
  IMAGE_ACCOUNT: {
    owner: 'user',
    retry: 'no',
    remedy:
      'Give the account number, 12 digits (EC2_USER_ID in the eucarc of the credentials), abort, and run up again.',
  },
  IMAGE_CONFIGURATION: {
    owner: 'user',
    retry: 'no',
    remedy: 'Correct the value named above, abort, and run up again.',
  },
  IMAGE_KERNEL_AND_RAMDISK: {
    owner: 'user',
    retry: 'no',
    remedy: 'Give both a kernel and a ramdisk, or neither, abort, and run up again.',
  },
  IMAGE_KEY_UNREADABLE: {
    owner: 'user',
    retry: 'no',
    remedy: 'Give the RSA private key of the credentials (euca2-…-pk.pem), not encrypted, then resume.',
    ofTheWorker: true,
  },
  IMAGE_CERTIFICATE_UNREADABLE: {
    owner: 'user',
    retry: 'no',
    remedy: 'Give the X.509 certificates of the credentials (euca2-…-cert.pem and cloud-cert.pem), then resume.',
    ofTheWorker: true,
  },
  IMAGE_KEY_MISMATCH: {
    owner: 'user',
    retry: 'no',
    remedy: 'Give the private key and the certificate of one and the same credentials, then resume.',
  },
  IMAGE_WRONG_KEY: {
    owner: 'user',
    retry: 'no',
    remedy: 'Use the private key of the user, or of the cloud, that the bundle was made for, then resume.',
  },
  IMAGE_MANIFEST_BROKEN: {
    owner: 'user',
    retry: 'no',
    remedy:
      'The manifest is not one, was cut off or altered, or somebody else signed it. Fetch it again, or bundle the image again.',
  },
  IMAGE_BUNDLE_BROKEN: {
    owner: 'user',
    retry: 'no',
    remedy: 'A part is missing or was damaged. Fetch it again, or bundle the image again.',
  },
  IMAGE_NOT_REPEATABLE: {
    owner: 'tool',
    retry: 'yes',
    remedy:
      'What an earlier attempt left does not fit and is thrown away: the next one bundles the image from its start.',
  },
  IMAGE_DISK_FULL: { owner: 'user', retry: 'no', remedy: 'Free space on that disk, then resume.', ofTheWorker: true },
  IMAGE_BUCKET_FOREIGN: {
    owner: 'user',
    retry: 'no',
    remedy: 'The bucket belongs to another account. Choose another image.bucket, abort, and run up again.',
  },
  IMAGE_NAME_TAKEN: {
    owner: 'user',
    retry: 'no',
    remedy:
      'Deregister that image, or remove the objects named above, if nobody needs them; then resume. Or choose another image.name, abort, and run up again.',
  },
  IMAGE_NOT_AVAILABLE: {
    owner: 'cloud',
    retry: 'not-yet',
    remedy: 'The cloud has the image registered and not made ready. Look at it there, then resume.',
  },
  IMAGE_FAILED: {
    owner: 'cloud',
    retry: 'no',
    remedy:
      'The cloud could not make use of the image. Read its reason above, mend the cause, deregister the image, then resume.',
  },
  KEY_PAIR_NOT_FOUND: {
    owner: 'user',
    retry: 'no',
    remedy: 'Create or import the key pair named in instance.key, then resume.',
  },
  TYPE_TOO_SMALL: {
    owner: 'user',
    retry: 'no',
    remedy: 'Choose an instance.type with 2 GiB of memory or more, abort, and run up again.',
  },
  TYPE_NOT_FOUND: {
    owner: 'user',
    retry: 'no',
    remedy: 'Put an instance.type that the cloud offers, abort, and run up again.',
  },
  ADDRESS_NONE_LEFT: {
    owner: 'cloud',
    retry: 'no',
    remedy: 'Release an address that nobody needs or raise the quota, then resume.',
  },
  ADDRESS_NOT_OURS: {
    owner: 'user',
    retry: 'no',
    remedy: 'Use an address.ip that belongs to this account, or `address: allocate`, abort, and run up again.',
  },
  ADDRESS_IN_USE: {
    owner: 'user',
    retry: 'no',
    remedy: 'Disassociate the address from the other instance yourself (it is never taken away), then resume.',
  },
  ADDRESS_AMBIGUOUS: {
    owner: 'cloud',
    retry: 'no',
    remedy:
      'Nothing tells whose the address named above is. Release it if nobody uses it, then resume (or run down again).',
  },
  ADDRESS_BUSY: {
    owner: 'user',
    retry: 'not-yet',
    remedy:
      'Resume or abort the deployment that allocates. If there is none any more, delete the security group named above. Then resume.',
  },
  GROUP_FOREIGN: {
    owner: 'user',
    retry: 'no',
    remedy: 'A security group of that name belongs to somebody else. Remove it or choose another deployment name.',
  },
  INSTANCE_FAILED: {
    owner: 'cloud',
    retry: 'no',
    remedy: 'The instance died while starting. See the reason above; mend it, then resume: a new one is launched.',
  },
  INSTANCE_STOPPED: {
    owner: 'user',
    retry: 'no',
    remedy: 'Start the instance, or terminate it to have a new one launched, then resume.',
  },
  INSTANCE_DUPLICATE: {
    owner: 'cloud',
    retry: 'no',
    remedy: 'More than one instance bears our marker. Terminate the one not wanted, then resume.',
  },
  NO_CAPACITY: {
    owner: 'cloud',
    retry: 'yes',
    remedy: 'The cloud is full for this type or zone. Free some, or choose another, then resume.',
  },
  NOT_YET: {
    owner: 'cloud',
    retry: 'not-yet',
    remedy: 'It did not happen in the time allowed. Look at the instance in the cloud, then resume.',
  },
  DNS_KEY_REFUSED: {
    owner: 'dns',
    retry: 'no',
    remedy: "Check the TSIG key's name, algorithm and secret against the server's, and both clocks, then resume.",
    ofTheWorker: true,
  },
  DNS_REFUSED: {
    owner: 'dns',
    retry: 'no',
    remedy: 'Let this key update the zone (allow-update or update-policy), then resume.',
  },
  DNS_NOT_ZONE: {
    owner: 'dns',
    retry: 'no',
    remedy: 'Check dns.zone and dns.server: that server is not the authority for that zone. Abort, and run up again.',
  },
  DNS_UNREACHABLE: {
    owner: 'dns',
    retry: 'yes',
    remedy: 'Check dns.server and dns.port, and that 53/udp and 53/tcp are open, then resume.',
  },
  DNS_FOREIGN: {
    owner: 'user',
    retry: 'no',
    remedy:
      "The name holds somebody else's data. Remove it and resume; or set `dns.replace: true`, abort, and run up again.",
  },
  DNS_NOT_SEEN: {
    owner: 'dns',
    retry: 'yes',
    remedy:
      'The server took the update and answers otherwise. Look for records under the name that shadow it, then resume.',
  },
  DNS_CHANGED: {
    owner: 'dns',
    retry: 'yes',
    remedy: 'Somebody else changes the same name. Settle who owns it, then resume.',
  },
  DNS_ERROR: {
    owner: 'dns',
    retry: 'yes',
    remedy: "Read the server's own log for this time, and let it answer this worker (allow-query); then resume.",
  },
  TOOL_MISSING: {
    owner: 'tool',
    retry: 'no',
    remedy: "Install nsupdate (Debian: bind9-dnsutils) on the worker's machine, then resume.",
    ofTheWorker: true,
  },
  SSH_UNREACHABLE: {
    owner: 'host',
    retry: 'not-yet',
    remedy:
      'Check that the instance runs, that the port named above is open to the worker (ssh.port, access.ssh), and its console output; then resume.',
  },
  SSH_AUTH: {
    owner: 'user',
    retry: 'yes',
    remedy: 'Give ssh.user, ssh.password or ssh.key that the appliance accepts, then resume.',
    ofTheWorker: true,
  },
  SSH_HOST_KEY: {
    owner: 'host',
    retry: 'no',
    remedy:
      'The machine at this address has another host key than the one pinned. Find out why before you trust it: abort, or put the key into ssh.hostKey and run up again.',
  },
  SSH_HOST_KEY_UNPRINTED: {
    owner: 'host',
    retry: 'not-yet',
    remedy:
      'Look at the console output of the instance. If the image prints no host keys there, abort, put the fingerprint into ssh.hostKey, or leave it out to pin the key of the first sight, and run up again; else resume.',
  },
  SSH_PASSWORD_EXPIRED: {
    owner: 'user',
    retry: 'no',
    remedy:
      'The password is right and has expired. Log in by hand and set a new one, and give it as ssh.password; or let it live on as it is, as root on the machine: `chage -d $(date +%F) <user>`. Then resume.',
  },
  SSH_SHELL: {
    owner: 'host',
    retry: 'yes',
    remedy:
      'The account lets nobody run a command. Give it a login shell, or take away the ForceCommand or the line in its rc file that ends it (or give another ssh.user, abort, and run up again); then resume.',
  },
  SSH_COMMAND: {
    owner: 'host',
    retry: 'yes',
    remedy:
      'The machine does not answer as it should. Read what it says above, log in and mend the cause, then resume.',
  },
  SSH_FORWARDING: {
    owner: 'host',
    retry: 'no',
    remedy:
      'sshd on the machine forwards no ports. Set `AllowTcpForwarding yes` in its sshd_config and reload it, then resume; or skip, and create the administrator in the console.',
  },
  MACHINE_DISK: {
    owner: 'host',
    retry: 'no',
    remedy: "Free space on the machine's disk, or make it writable again, then resume.",
  },
  SSH_DROPPED: {
    owner: 'host',
    retry: 'yes',
    remedy: 'The connection is lost again and again. Look at the network and at the instance, then resume.',
  },
  KATO_NOT_READY: {
    owner: 'host',
    retry: 'not-yet',
    remedy: 'kato is not ready. Log in and look at `kato status` and /s/logs, then resume.',
  },
  MEMORY_TOO_SMALL: {
    owner: 'user',
    retry: 'no',
    remedy: 'The machine has less than 2 GiB. Choose a bigger instance.type, abort, and run up again.',
  },
  COMMAND_RUNNING: {
    owner: 'host',
    retry: 'not-yet',
    remedy:
      'The command still runs on the machine. Log in and look at its log, named above; resume goes on watching it.',
  },
  COMMAND_NO_EFFECT: {
    owner: 'host',
    retry: 'no',
    remedy:
      'The command ended and what it should have done is not there. Read its output above, mend the cause; resume runs it once more.',
  },
  DIALOGUE_STUCK: {
    owner: 'host',
    retry: 'no',
    remedy:
      'kato asked something that is not understood. Its words are above. Run the command by hand, then resume: what is already done is seen.',
  },
  NETWORK_UNKNOWN: {
    owner: 'host',
    retry: 'no',
    remedy: 'Put the missing value under `network:` in the spec, abort and run up again, or set `network: dhcp`.',
  },
  NETWORK_CLASH: {
    owner: 'host',
    retry: 'no',
    remedy: "The appliance's containers use 192.168.3.0/24. Launch the instance in another network.",
  },
  REBOOT_NOT_SEEN: {
    owner: 'host',
    retry: 'not-yet',
    remedy:
      'The machine was told to reboot and did not come back with a new boot id. Look at its console; reboot it by hand if it never went down; then resume.',
  },
  ADMIN_REFUSED: {
    owner: 'host',
    retry: 'no',
    remedy:
      'The appliance refused the first administrator. See its answer above; mend admin.email or admin.password, or skip and create it in the console.',
  },
  CONSOLE_NOT_UP: {
    owner: 'host',
    retry: 'not-yet',
    remedy:
      'The console does not answer through the name. Check `kato status`, the security group and your DNS, then resume.',
  },
  WORKER_MACHINE: {
    owner: 'user',
    retry: 'yes',
    remedy:
      "Free what the worker's machine lacks, as named above (for a disk: space where its temporary files and STACKATO_DEPLOY_STATE are), then resume.",
    ofTheWorker: true,
  },
  ATTEMPT_TIMEOUT: {
    owner: 'tool',
    retry: 'yes',
    remedy:
      'Something took the request and never answered. Look at the cloud, the DNS server or the machine that the step works on, then resume.',
  },
  UNDO_INCOMPLETE: {
    owner: 'cloud',
    retry: 'no',
    remedy: 'See above what is still there and why. Remove the cause, then run down: it goes on with what is left.',
  },
  INTERNAL: {
    owner: 'tool',
    retry: 'yes',
    remedy: 'This is a bug of stackato-deploy. Please report it with the output of `status --json`.',
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

export function errorRow(code: ErrorCode): ErrorRow {
  return ERRORS[code];
}

/** An error with a code: what adapters throw and activities turn into an ApplicationFailure. Never put a secret into the message. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    /** Milliseconds the other side asked us to wait. */
    readonly retryAfter?: number,
    /** What was asked for may have been done, or may be done yet: no answer came, or one that does not tell. */
    readonly mayHaveHappened = false,
  ) {
    super(message);
  }
}
