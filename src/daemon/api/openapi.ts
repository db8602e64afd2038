import { openapi } from '../../protocol/openapi.ts';

let text: string | undefined;

/** Made when first asked for: few ask, and it takes longer than a start of the engine should. */
export const openapiText = (): string => {
  text ??= JSON.stringify(openapi());
  return text;
};
