// Retry schedules of ten webmail providers under greylisting, for replays. Nothing here does anything.
//
// The times and the numbers of addresses were measured by Pagani, De Astis, Graziano, Lanzi and Balzarotti, "Measuring
// the Role of Greylisting and Nolisting in Fighting Spam", DSN 2016, with a threshold of six hours. Which address
// makes which attempt was not published: here they take turns, which is the worst that a pool does. The names follow
// each provider's scheme; the single names and addresses are made up.

export interface Pool {
  provider: string;
  /** An envelope sender there. */
  sender: string;
  /** The servers, each with its verified name; attempt i is made by the server i modulo their number. */
  servers: readonly (readonly [address: string, name: string])[];
  /** Seconds after the first attempt; the first one itself is 0. */
  attempts: readonly number[];
  /** Whether the mail was delivered after six hours; else the provider had given up. */
  patient: boolean;
}

/** `6:02 29:02` (minutes and seconds) as seconds, with the first attempt before them. */
function times(text: string): number[] {
  const seconds = text.split(' ').map((time) => {
    const [m, s] = time.split(':').map(Number) as [number, number];
    return 60 * m + s;
  });
  return [0, ...seconds];
}

/** From the last time on, one attempt each `step` seconds up to `end`. */
function every(start: readonly number[], step: number, end: number): number[] {
  const all = [...start];
  while (all.at(-1)! + step <= end) all.push(all.at(-1)! + step);
  return all;
}

export const POOLS: readonly Pool[] = [
  {
    provider: 'Gmail',
    sender: 'ann@gmail.com',
    servers: [
      ['209.85.167.54', 'mail-lf1-f54.google.com'],
      ['209.85.208.180', 'mail-lj1-f180.google.com'],
      ['74.125.82.41', 'mail-wm0-f41.google.com'],
      ['209.85.221.48', 'mail-wr1-f48.google.com'],
      ['209.85.128.65', 'mail-wm1-f65.google.com'],
      ['74.125.24.172', 'mail-pf2-f172.google.com'],
      ['2a00:1450:4864:20::42b', 'mail-wr1-x42b.google.com'],
    ],
    attempts: times('6:02 29:02 56:36 98:44 162:03 229:44 309:05 434:46'),
    patient: true,
  },
  {
    provider: 'Yahoo',
    sender: 'ann@yahoo.co.uk',
    servers: [['77.238.177.32', 'sonic315-32.consmr.mail.ir2.yahoo.com']],
    attempts: times('2:07 5:39 12:58 27:16 55:13 109:35 216:47 430:36'),
    patient: true,
  },
  {
    provider: 'Outlook',
    sender: 'ann@hotmail.com',
    servers: [['40.92.73.41', 'mail-db8eur05olkn2041.outbound.protection.outlook.com']],
    attempts: every(times('1:01 2:03 3:04 5:06 8:07 12:08 16:10'), 241, 21_731),
    patient: true,
  },
  {
    provider: 'QQ',
    sender: 'ann@qq.com',
    servers: [
      ['203.205.221.149', 'out203-205-221-149.mail.qq.com'],
      ['54.204.34.129', 'out54-204-34-129.mail.qq.com'],
    ],
    attempts: times('5:05 5:11 5:17 6:19 8:22 12:25 20:29 52:31 84:35 144:42 204:56'),
    patient: false,
  },
  {
    provider: 'Mail.ru',
    sender: 'ann@mail.ru',
    servers: [
      ['94.100.177.99', 'smtp39.i.mail.ru'],
      ['217.69.128.40', 'smtp40.i.mail.ru'],
      ['94.100.181.31', 'smtp31.i.mail.ru'],
      ['217.69.138.53', 'smtp53.i.mail.ru'],
      ['94.100.184.12', 'smtp12.i.mail.ru'],
      ['128.140.169.3', 'smtp3.i.mail.ru'],
      ['185.5.136.8', 'smtp8.i.mail.ru'],
    ],
    attempts: times('1:18 19:15 49:14 79:49 113:20 154:18 187:53 235:20 271:03 305:50 340:38 373:45'),
    patient: true,
  },
  {
    provider: 'Yandex',
    sender: 'ann@yandex.com',
    servers: [['77.88.28.105', 'forward105o.mail.yandex.net']],
    attempts: every(times('1:05 2:58 6:53 14:55 30:28 45:41 61:01'), 925, 22_161),
    patient: true,
  },
  {
    provider: 'mail.com',
    sender: 'ann@mail.com',
    servers: [
      ['74.208.4.200', 'mout.mail.com'],
      ['212.227.17.208', 'mout-xforward.mail.com'],
    ],
    attempts: times('5:02 12:37 23:59 41:03 66:38 105:01 162:35 248:56 378:28'),
    patient: true,
  },
  {
    provider: 'GMX',
    sender: 'ann@gmx.com',
    servers: [
      ['212.227.15.19', 'mout.gmx.net'],
      ['212.227.17.21', 'mout-a.gmx.net'],
      ['74.208.4.201', 'mout-b.gmx.net'],
    ],
    attempts: times('5:01 12:33 23:50 40:46 66:09 104:14 161:22 247:04 375:36'),
    patient: true,
  },
  {
    provider: 'AOL',
    sender: 'ann@aol.com',
    servers: [['204.29.186.11', 'oms-m011e.mx.aol.com']],
    attempts: times('5:32 11:32 21:32 31:32'),
    patient: false,
  },
  {
    provider: 'India.com',
    sender: 'ann@india.com',
    servers: [['198.51.100.41', 'smtp-out41.india-mail.example']],
    attempts: times('6:21 16:21 36:21 76:21 146:22 216:21 286:21 356:21 426:21'),
    patient: true,
  },
];
