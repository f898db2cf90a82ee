import { expect, test } from 'vitest';
import { showRules } from './show-rules.ts';

test('each namespace with what is in it', () => {
  const tables = [
    { namespace: 'host', text: 'table inet fairway {\n}\n' },
    { namespace: 'ingress_sbox', network: 'ingress', failure: 'nft: killed after 10000 ms' },
    { namespace: 'lb_back00000', network: 'back' },
    { namespace: 'lb_gone00000', text: 'table inet fairway {\n}\n' },
  ];
  expect(showRules({ node: 'alpha', tables })).toMatchInlineSnapshot(`
    "# alpha, host
    table inet fairway {
    }

    # alpha, ingress_sbox (network ingress): it could not be read: nft: killed after 10000 ms

    # alpha, lb_back00000 (network back): no table of Fairway

    # alpha, lb_gone00000
    table inet fairway {
    }
    "
  `);
});
