import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface LatencyProxy {
  /** The same URL, through the proxy. */
  url(direct: string): string;
  close(): Promise<void>;
}

/** A network between a client and its server, on which each round trip takes longer: half of the time on the way there, half on the way back. */
export async function createLatencyProxy(host: string, port: number, roundTrip: number): Promise<LatencyProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, host);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      // Pieces keep their order, since timers of equal length fire in the order in which they were set.
      from.on('data', (data) => setTimeout(() => to.writable && to.write(data), roundTrip / 2));
      from.on('close', () => setTimeout(() => to.destroy(), roundTrip / 2));
      from.on('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: (direct) => Object.assign(new URL(direct), { hostname: '127.0.0.1', port: String(address.port) }).href,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}
