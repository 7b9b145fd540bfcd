/**
 * Every way a deployment can fail: a stable code (an API: it is the `type` of the ApplicationFailure), who can fix it,
 * whether a retry helps, and what to do.
 */

export type Owner = 'user' | 'cloud' | 'host' | 'dns' | 'tool';

interface ErrorRow {
  readonly owner: Owner;
  /** `yes`: retried until the step's deadline. `no`: the step needs attention at once. `not-yet`: polled; not a failure, just not there yet. */
  readonly retry: 'yes' | 'no' | 'not-yet';
  readonly remedy: Remedy;
  /** The problem is the worker's: another one might not fail, so the message names it. */
  readonly ofTheWorker?: true;
}

/** What a person can do about an error. */
export interface Remedy {
  /** Without the final full stop. */
  readonly do: string;
  /** How to continue the deployment afterwards. */
  readonly then?: FollowUp;
  /** What that does, if one might expect something else. */
  readonly effect?: string;
  /** An alternative; begins in lower case. */
  readonly or?: Remedy;
}

/** `up`: the spec must be changed, which is impossible for a running deployment. */
export type FollowUp = 'resume' | 'up' | 'down';

/** Where the remedy is shown: for a deployment that is waiting, a command that has ended, or a check before the start. */
export type RemedyFor = 'deployment' | 'command' | 'check';

export const ERRORS = {
  SECRET_MISSING: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: "Set the variable or create the file on the worker's machine (restart the worker for a variable)",
      then: 'resume',
    },
    ofTheWorker: true,
  },
  CLOUD_CREDENTIALS: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Give the worker an access key and secret key that this cloud accepts, with their session token if they are temporary',
      then: 'resume',
    },
    ofTheWorker: true,
  },
  CLOUD_PERMISSION: {
    owner: 'cloud',
    retry: 'no',
    remedy: { do: 'Allow the account the call named above', then: 'resume' },
  },
  CLOUD_UNREACHABLE: {
    owner: 'cloud',
    retry: 'yes',
    remedy: {
      do: 'Check cloud.endpoint, the network between worker and cloud with its proxy, and cloud.ca',
      then: 'resume',
    },
  },
  CLOUD_PROXY: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: "Correct HTTPS_PROXY, HTTP_PROXY or NO_PROXY in the worker's environment, or let the proxy pass the request, and restart the worker",
      then: 'resume',
    },
    ofTheWorker: true,
  },
  CLOUD_THROTTLED: {
    owner: 'cloud',
    retry: 'yes',
    remedy: { do: 'The cloud asks for fewer calls. Wait a while', then: 'resume' },
  },
  CLOUD_ERROR: {
    owner: 'cloud',
    retry: 'yes',
    remedy: { do: 'The cloud itself failed. Wait until it works again', then: 'resume' },
  },
  CLOUD_REFUSED: {
    owner: 'cloud',
    retry: 'no',
    remedy: { do: 'Read what the cloud says above and fix the cause', then: 'resume' },
  },
  CLOUD_CLOCK: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: "Set the worker's clock by NTP (the cloud refuses requests that are off by too much)",
      then: 'resume',
    },
    ofTheWorker: true,
  },
  IMAGE_NOT_FOUND: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Put an image id into image.id that this account can see', then: 'up' },
  },
  IMAGE_SOURCE_MISSING: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Put the image file there (a worker looks on its own machine)', then: 'resume' },
    ofTheWorker: true,
  },
  IMAGE_SOURCE_UNREACHABLE: {
    owner: 'user',
    retry: 'yes',
    remedy: {
      do: 'Make sure that the worker can fetch that URL',
      then: 'resume',
      effect: 'it continues where it stopped',
    },
  },
  IMAGE_SOURCE_UNREADABLE: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Make it a regular file that the worker may read, on a disk that works', then: 'resume' },
  },
  IMAGE_SOURCE_CHANGED: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Something writes to the image file. Wait until it is complete and nobody uses it',
      then: 'resume',
      effect: 'it is read again from the start',
    },
  },
  IMAGE_SOURCE_DAMAGED: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'The file is truncated or damaged. Fetch it again', then: 'resume' },
  },
  IMAGE_FORMAT: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Give the raw image, or unpack it yourself and give the result', then: 'resume' },
  },
  IMAGE_CATALOG: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Correct the catalogue, or what image.catalog and image.entry say', then: 'resume' },
  },
  IMAGE_ARCHIVE: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Have the archive packed again: stackato-deploy image pack makes one that is accepted',
      then: 'resume',
    },
  },
  IMAGE_TOO_BIG: {
    owner: 'user',
    retry: 'no',
    remedy: { do: "Shrink the image, or have the cloud's limit raised", then: 'resume' },
  },
  IMAGE_PREFIX: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Choose another name: letters, digits and . _ - (at most 99), and for a machine image none that begins with vmlinuz, initrd or windows',
      then: 'up',
    },
  },
  IMAGE_NAME: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Choose a name of 3 to 128 letters, digits and ( ) . / _ -', then: 'up' },
  },
  IMAGE_ACCOUNT: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Give the account number, 12 digits (EC2_USER_ID in the eucarc of the credentials)', then: 'up' },
  },
  IMAGE_CONFIGURATION: { owner: 'user', retry: 'no', remedy: { do: 'Correct the value named above', then: 'up' } },
  IMAGE_KERNEL_AND_RAMDISK: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Give both a kernel and a ramdisk, or neither', then: 'up' },
  },
  IMAGE_KEY_UNREADABLE: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Give the RSA private key of the credentials (euca2-…-pk.pem), not encrypted', then: 'resume' },
    ofTheWorker: true,
  },
  IMAGE_CERTIFICATE_UNREADABLE: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Give the X.509 certificates of the credentials (euca2-…-cert.pem and cloud-cert.pem)',
      then: 'resume',
    },
    ofTheWorker: true,
  },
  IMAGE_KEY_MISMATCH: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Give the private key and the certificate of the same credentials', then: 'resume' },
  },
  IMAGE_WRONG_KEY: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Use the private key of the user, or of the cloud, that the bundle was made for', then: 'resume' },
  },
  IMAGE_MANIFEST_BROKEN: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'This is not a manifest, or it was truncated, altered or signed by somebody else. Fetch it again, or bundle the image again',
    },
  },
  IMAGE_BUNDLE_BROKEN: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'A part is missing or damaged. Fetch it again, or bundle the image again' },
  },
  IMAGE_NOT_REPEATABLE: {
    owner: 'tool',
    retry: 'yes',
    remedy: {
      do: 'What an earlier attempt left does not match and is discarded: the next attempt bundles the image from the start',
    },
  },
  IMAGE_DISK_FULL: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Free space on that disk', then: 'resume' },
    ofTheWorker: true,
  },
  IMAGE_BUCKET_FOREIGN: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'The bucket belongs to another account. Choose another image.bucket', then: 'up' },
  },
  IMAGE_NAME_TAKEN: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Deregister that image, or remove the objects named above, if nobody needs them',
      then: 'resume',
      or: { do: 'choose another image.name', then: 'up' },
    },
  },
  IMAGE_NOT_AVAILABLE: {
    owner: 'cloud',
    retry: 'not-yet',
    remedy: { do: 'The cloud has registered the image but not made it available. Look at it there', then: 'resume' },
  },
  IMAGE_FAILED: {
    owner: 'cloud',
    retry: 'no',
    remedy: {
      do: 'The cloud could not use the image. Read its reason above, fix the cause and deregister the image',
      then: 'resume',
    },
  },
  KEY_PAIR_NOT_FOUND: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Create or import the key pair named in instance.key', then: 'resume' },
  },
  RELEASE_UNKNOWN: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Upgrade the worker to the version of the client, or choose a release that it knows', then: 'up' },
    ofTheWorker: true,
  },
  RELEASE_DIFFERS: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Give the image of the release that the spec says',
      then: 'up',
      or: { do: 'set `release:` in the spec to the release that the machine has', then: 'up' },
    },
  },
  TYPE_TOO_SMALL: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Choose an instance.type with the memory that the release needs', then: 'up' },
  },
  TYPE_NOT_FOUND: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Choose an instance.type that the cloud offers', then: 'up' },
  },
  ADDRESS_NONE_LEFT: {
    owner: 'cloud',
    retry: 'no',
    remedy: { do: 'Release an address that nobody needs or raise the quota', then: 'resume' },
  },
  QUOTA_TOO_LOW: {
    owner: 'cloud',
    retry: 'no',
    remedy: {
      do: 'No machine was launched. Raise the quota or free what nobody needs',
      then: 'resume',
      or: { do: 'ask for fewer nodes, or for other types or zones', then: 'up' },
    },
  },
  ADDRESS_NOT_OURS: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Use an address.ip that belongs to this account, or `address: allocate`', then: 'up' },
  },
  ADDRESS_IN_USE: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Disassociate the address from the other instance yourself (stackato-deploy never takes it away)',
      then: 'resume',
    },
  },
  ADDRESS_AMBIGUOUS: {
    owner: 'cloud',
    retry: 'no',
    remedy: {
      do: 'Nothing shows whose address the one named above is. Release it if nobody uses it',
      then: 'resume',
      or: { do: 'run down again, if that is what stopped' },
    },
  },
  ADDRESS_BUSY: {
    owner: 'user',
    retry: 'not-yet',
    remedy: {
      do: 'Resume or abort the deployment that is allocating; if there is none any more, delete the security group named above',
      then: 'resume',
    },
  },
  GROUP_FOREIGN: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'A security group of that name belongs to somebody else. Remove it',
      then: 'resume',
      or: { do: 'abort, and choose another deployment name' },
    },
  },
  INSTANCE_FAILED: {
    owner: 'cloud',
    retry: 'no',
    remedy: {
      do: 'The instance failed to start. Read the reason above and fix the cause',
      then: 'resume',
      effect: 'a new instance is launched',
    },
  },
  INSTANCE_STOPPED: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'Start the instance, or terminate it to have a new one launched', then: 'resume' },
  },
  USER_DATA_TOO_BIG: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'The user data is bigger than clouds take. Put less into it, or put #include and a URL there instead',
      then: 'up',
    },
  },
  USER_DATA_REFUSED: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'cloud-init would not do what this user data is meant to. Correct what is named above', then: 'up' },
  },
  INSTANCE_DUPLICATE: {
    owner: 'cloud',
    retry: 'no',
    remedy: {
      do: 'More than one instance has the mark of this deployment. Terminate the one you do not want',
      then: 'resume',
    },
  },
  NO_CAPACITY: {
    owner: 'cloud',
    retry: 'yes',
    remedy: {
      do: 'The cloud is full for this type or zone. Free some capacity',
      then: 'resume',
      or: { do: 'choose another type or zone', then: 'up' },
    },
  },
  NOT_YET: {
    owner: 'cloud',
    retry: 'not-yet',
    remedy: { do: 'It did not happen in the time allowed. Look at the instance in the cloud', then: 'resume' },
  },
  DNS_KEY_REFUSED: {
    owner: 'dns',
    retry: 'no',
    remedy: {
      do: "Check the TSIG key's name, algorithm and secret against the server's, and both clocks",
      then: 'resume',
    },
    ofTheWorker: true,
  },
  DNS_REFUSED: {
    owner: 'dns',
    retry: 'no',
    remedy: { do: 'Let this key update the zone (allow-update or update-policy)', then: 'resume' },
  },
  DNS_NOT_ZONE: {
    owner: 'dns',
    retry: 'no',
    remedy: { do: 'That server is not the authority for that zone. Correct dns.zone or dns.server', then: 'up' },
  },
  DNS_UNREACHABLE: {
    owner: 'dns',
    retry: 'yes',
    remedy: { do: 'Check dns.server and dns.port, and that 53/udp and 53/tcp are open', then: 'resume' },
  },
  DNS_FOREIGN: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: "The name holds somebody else's data. Remove it",
      then: 'resume',
      or: { do: 'set `dns.replace: true`', then: 'up' },
    },
  },
  DNS_NOT_SEEN: {
    owner: 'dns',
    retry: 'yes',
    remedy: {
      do: 'The server accepted the update but answers differently. Look for records under the name that shadow it',
      then: 'resume',
    },
  },
  DNS_CHANGED: {
    owner: 'dns',
    retry: 'yes',
    remedy: { do: 'Somebody else changes the same name. Settle who owns it', then: 'resume' },
  },
  DNS_ERROR: {
    owner: 'dns',
    retry: 'yes',
    remedy: {
      do: "Read the server's own log for this time, and let it answer this worker (allow-query)",
      then: 'resume',
    },
  },
  TOOL_MISSING: {
    owner: 'tool',
    retry: 'no',
    remedy: { do: "Install nsupdate (Debian: bind9-dnsutils) on the worker's machine", then: 'resume' },
    ofTheWorker: true,
  },
  SSH_UNREACHABLE: {
    owner: 'host',
    retry: 'not-yet',
    remedy: {
      do: 'Check that the instance runs, that the port named above is open to the worker (ssh.port, access.ssh), and its console output',
      then: 'resume',
    },
  },
  SSH_AUTH: {
    owner: 'user',
    retry: 'yes',
    remedy: { do: 'Give an ssh.user, ssh.password or ssh.key that the appliance accepts', then: 'resume' },
    ofTheWorker: true,
  },
  SSH_HOST_KEY: {
    owner: 'host',
    retry: 'no',
    remedy: {
      do: 'The machine at this address does not have the pinned host key. Find out why before you trust it; if it is your machine, put its key into ssh.hostKey',
      then: 'up',
      or: { do: 'for a node of a cluster, terminate the machine: up then makes it anew', then: 'up' },
    },
  },
  SSH_HOST_KEY_UNPRINTED: {
    owner: 'host',
    retry: 'not-yet',
    remedy: {
      do: 'Look at the console output of the instance',
      then: 'resume',
      or: {
        do: 'if the image prints no host keys there, put the fingerprint into ssh.hostKey, or leave it out to pin the first key seen',
        then: 'up',
      },
    },
  },
  SSH_PASSWORD_EXPIRED: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'The password is right but has expired. Log in by hand, set a new one and give it as ssh.password, or keep it by running `chage -d $(date +%F) <user>` as root on the machine',
      then: 'resume',
    },
  },
  SSH_SHELL: {
    owner: 'host',
    retry: 'yes',
    remedy: {
      do: 'The account cannot run commands. Give it a login shell, or remove the ForceCommand or the line in its rc file that ends it',
      then: 'resume',
      or: { do: 'give another ssh.user', then: 'up' },
    },
  },
  SSH_COMMAND: {
    owner: 'host',
    retry: 'yes',
    remedy: {
      do: 'The machine does not answer as it should. Read what it says above, log in and fix the cause',
      then: 'resume',
    },
  },
  SSH_FORWARDING: {
    owner: 'host',
    retry: 'no',
    remedy: {
      do: 'sshd on the machine forwards no ports. Set `AllowTcpForwarding yes` in its sshd_config and reload it',
      then: 'resume',
      or: {
        do: 'to reach nodes without the core, set `ssh.reach: public` in the spec',
        then: 'up',
        or: { do: 'if only the administrator could not be created, skip, and create it in the console' },
      },
    },
  },
  MACHINE_DISK: {
    owner: 'host',
    retry: 'no',
    remedy: { do: "Free space on the machine's disk, or make it writable again", then: 'resume' },
  },
  DISK_NOT_EMPTY: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'The disk for the containers holds data, and was left alone. Give another volume, or wipe this one with `wipefs -a` if nobody needs what is on it',
      then: 'resume',
    },
  },
  DISK_NOT_FOUND: {
    owner: 'host',
    retry: 'no',
    remedy: {
      do: 'Look at `cat /proc/partitions` on the machine. Not every instance type has an ephemeral disk, and old kernels need `modprobe acpiphp` to see a new volume',
      then: 'resume',
    },
  },
  DISK_TOO_SMALL: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Ask for a bigger volume in storage.containers; for `ephemeral`, for a bigger instance type',
      then: 'up',
    },
  },
  STORE_NOT_MOVED: {
    owner: 'host',
    retry: 'no',
    remedy: { do: 'The containers are where they were, and kato runs. Fix the cause on the machine', then: 'resume' },
  },
  VOLUME_NOT_FOUND: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Give a volume of this account in storage.containers',
      then: 'up',
      or: { do: 'if a volume that was made for this deployment is gone, have another one made', then: 'resume' },
    },
  },
  VOLUME_ZONE: {
    owner: 'user',
    retry: 'no',
    remedy: { do: "A volume can only be attached in its own zone. Set instance.zone to the volume's", then: 'up' },
  },
  VOLUME_IN_USE: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'It is never taken away from another instance. Detach it there', then: 'resume' },
  },
  VOLUME_FAILED: {
    owner: 'cloud',
    retry: 'no',
    remedy: { do: 'The storage controller failed. Delete the volume and look at its log', then: 'resume' },
  },
  VOLUME_NONE_LEFT: {
    owner: 'cloud',
    retry: 'no',
    remedy: { do: 'Delete volumes that nobody needs, or raise the quota', then: 'resume' },
  },
  VOLUME_AMBIGUOUS: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'Nothing tells them apart. Find out which of them nobody needs, and delete that one',
      then: 'resume',
    },
  },
  SSH_DROPPED: {
    owner: 'host',
    retry: 'yes',
    remedy: { do: 'The connection is lost again and again. Check the network and the instance', then: 'resume' },
  },
  KATO_NOT_READY: {
    owner: 'host',
    retry: 'not-yet',
    remedy: { do: 'kato is not ready. Log in and look at `kato status` and /s/logs', then: 'resume' },
  },
  CLOUD_INIT_RUNNING: {
    owner: 'host',
    retry: 'not-yet',
    remedy: {
      do: 'The first boot is not over. Look at the console output of the instance, and at /var/log/cloud-init.log on it',
      then: 'resume',
    },
  },
  CLOUD_INIT_FAILED: {
    owner: 'host',
    retry: 'no',
    remedy: {
      do: 'Part of the first boot failed, and no later step makes up for it. Read the log lines above, do by hand what is missing, and skip',
      or: { do: 'launch another machine, with corrected user data', then: 'up' },
    },
  },
  MEMORY_TOO_SMALL: {
    owner: 'user',
    retry: 'no',
    remedy: { do: 'The machine has too little memory. Choose a bigger instance.type', then: 'up' },
  },
  COMMAND_RUNNING: {
    owner: 'host',
    retry: 'not-yet',
    remedy: {
      do: 'The command still runs on the machine. Log in and look at its log, named above',
      then: 'resume',
      effect: 'it goes on watching the same run',
    },
  },
  COMMAND_NO_EFFECT: {
    owner: 'host',
    retry: 'no',
    remedy: {
      do: 'The command ended but did not do what it should. Read its output above and fix the cause',
      then: 'resume',
      effect: 'the command is run once more',
    },
  },
  DIALOGUE_STUCK: {
    owner: 'host',
    retry: 'no',
    remedy: {
      do: 'kato asked a question that stackato-deploy does not know; its words are above. Run the command by hand',
      then: 'resume',
      effect: 'what is already done is recognized',
    },
  },
  NETWORK_UNKNOWN: {
    owner: 'host',
    retry: 'no',
    remedy: { do: 'Put the missing value under `network:` in the spec, or set `network: dhcp`', then: 'up' },
  },
  NETWORK_CLASH: {
    owner: 'host',
    retry: 'no',
    remedy: { do: "The appliance's containers use 192.168.3.0/24. Launch the instance in another network" },
  },
  CORE_UNREACHABLE: {
    owner: 'cloud',
    retry: 'yes',
    remedy: {
      do: 'Check that the core runs, and that the security groups let the nodes reach its private address',
      then: 'resume',
    },
  },
  NODE_VERSION: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: 'All machines of a cluster need the same version. Give an image that has it, remove the node and make it again',
      then: 'up',
    },
  },
  NODE_OF_OTHER_CORE: {
    owner: 'user',
    retry: 'no',
    remedy: {
      do: "A node cannot be moved to another core, nor follow one whose address has changed. If it is not this deployment's node, find out whose",
      or: { do: 'abort this node, which takes its machine back, and make it again', then: 'up' },
    },
  },
  NODE_NOT_LISTED: {
    owner: 'host',
    retry: 'not-yet',
    remedy: { do: "Look at the core's list of nodes, and at /s/logs on core and node", then: 'resume' },
  },
  REBOOT_NOT_SEEN: {
    owner: 'host',
    retry: 'not-yet',
    remedy: {
      do: 'The machine was told to reboot and did not come back with a new boot id. Look at its console, and reboot it by hand if it never went down',
      then: 'resume',
    },
  },
  ADMIN_REFUSED: {
    owner: 'host',
    retry: 'no',
    remedy: {
      do: 'The appliance refused the first administrator. Read its answer above and correct admin.email or admin.password',
      or: { do: 'skip, and create it in the console' },
    },
  },
  CONSOLE_NOT_UP: {
    owner: 'host',
    retry: 'not-yet',
    remedy: {
      do: 'The console does not answer through the name. Check `kato status`, the security group and your DNS',
      then: 'resume',
    },
  },
  WORKER_MACHINE: {
    owner: 'user',
    retry: 'yes',
    remedy: {
      do: "Free what the worker's machine lacks, as named above (for a disk: space where its temporary files and STACKATO_DEPLOY_STATE are)",
      then: 'resume',
    },
    ofTheWorker: true,
  },
  ATTEMPT_TIMEOUT: {
    owner: 'tool',
    retry: 'yes',
    remedy: {
      do: 'Something accepted the request and never answered. Look at the cloud, the DNS server or the machine that the step works on',
      then: 'resume',
    },
  },
  UNDO_INCOMPLETE: {
    owner: 'cloud',
    retry: 'no',
    remedy: {
      do: 'See above what is still there and why, and remove the cause',
      then: 'down',
      effect: 'it continues with what is left',
    },
  },
  INTERNAL: {
    owner: 'tool',
    retry: 'yes',
    remedy: { do: 'This is a bug in stackato-deploy. Please report it with the output of `status --json`' },
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

export function errorRow(code: ErrorCode): ErrorRow {
  return ERRORS[code];
}

const FOLLOW_UP: Readonly<Record<RemedyFor, Readonly<Record<FollowUp, string>>>> = {
  deployment: { resume: ', then resume', up: ', abort, and run up again', down: ', then run down' },
  command: { resume: ', then run it again', up: ', then run it again', down: '' },
  check: { resume: '', up: '', down: '' },
};

/** The remedy as text. */
export function remedyOf(code: ErrorCode, reader: RemedyFor = 'deployment'): string {
  return remedyText(errorRow(code).remedy, FOLLOW_UP[reader]);
}

function remedyText(remedy: Remedy, followUps: Readonly<Record<FollowUp, string>>): string {
  const followUp = remedy.then === undefined ? '' : followUps[remedy.then];
  const effect = remedy.effect === undefined || followUp === '' ? '' : `: ${remedy.effect}`;
  const other = remedy.or === undefined ? '' : ` Or ${remedyText(remedy.or, followUps)}`;
  return `${remedy.do}${followUp}${effect}.${other}`;
}

/** An error with a code: what adapters throw and activities turn into an ApplicationFailure. Never put a secret into the message. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    /** How long the other side asked us to wait, ms. */
    readonly retryAfter?: number,
    /** The request may have taken effect, or may still do so: there was no answer, or one that does not say. */
    readonly mayHaveHappened = false,
  ) {
    super(message);
  }
}
