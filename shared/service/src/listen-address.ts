/** A setting is no address to listen on. */
export class ListenAddressInvalid extends Error {
  constructor(setting: string, given: string) {
    super(
      `ListenAddressInvalid: ${setting} is ${given}; it has to be an address and a port: 127.0.0.1:9464, [::1]:9464, or :9464 for all addresses`,
    );
  }
}

/** Where to listen, as `net.Server.listen` takes it; without `host` on all addresses. */
export type ListenAddress = { readonly host?: string; readonly port: number };

/** Reads a setting's `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or `:8080`. @throws {ListenAddressInvalid} */
export function listenAddress(setting: string, given: string): ListenAddress {
  const { bracketed, plain, port } =
    /^(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:[\]]*)):(?<port>\d{1,5})$/.exec(given)?.groups ?? {};
  if (port === undefined || Number(port) > 65_535) throw new ListenAddressInvalid(setting, given);
  const host = bracketed ?? plain;
  return { ...(host ? { host } : {}), port: Number(port) };
}
