/** `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080` as `net.Server.listen` takes it. @throws {TypeError} where it is none */
export function listenAddress(text: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(`http://${text}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) };
}
