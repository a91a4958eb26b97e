// The scripts of the demo's login page, as text: they run in the browser. Elements with open shadow roots, inputs and
// buttons named as authentik names them (reference/authentik.md 5, "Browser selectors"), on the executor's API alone.

/** The executor: asks for a challenge, shows its stage, sends the answer. `STAGES` is the pathname of the other one. */
export const EXECUTOR_SCRIPT = `import { STAGE_ELEMENTS, say } from 'STAGES';

const cookie = (name) =>
  document.cookie.split('; ').find((pair) => pair.startsWith(name + '='))?.slice(name.length + 1) ?? '';

class FlowExecutor extends HTMLElement {
  connectedCallback() {
    this.attachShadow({ mode: 'open' });
    this.ask('GET');
  }

  get url() {
    const query = encodeURIComponent(window.location.search.slice(1));
    return '/api/v3/flows/executor/' + this.getAttribute('flowSlug') + '/?query=' + query;
  }

  async ask(method, answer) {
    const headers = { accept: 'application/json', 'X-authentik-CSRF': cookie('authentik_csrf') };
    const options = { method, headers, credentials: 'same-origin' };
    if (answer !== undefined) {
      headers['content-type'] = 'application/json';
      options.body = JSON.stringify(answer);
    }
    try {
      const response = await fetch(this.url, options);
      if (!response.ok) throw new Error('the flow executor answered ' + response.status);
      this.show(await response.json());
    } catch (error) {
      this.shadowRoot.replaceChildren(say('alert', String(error.message ?? error)));
    }
  }

  show(challenge) {
    if (challenge.component === 'xak-flow-redirect') {
      window.location.assign(challenge.to);
      return;
    }
    const known = STAGE_ELEMENTS.includes(challenge.component);
    const stage = document.createElement(known ? challenge.component : 'ak-stage-flow-error');
    stage.challenge = challenge;
    stage.submit = (answer) => this.ask('POST', { component: challenge.component, ...answer });
    this.shadowRoot.replaceChildren(stage);
  }
}
customElements.define('ak-flow-executor', FlowExecutor);
`;

/** The stages, each an element with a shadow root of its own. */
export const STAGES_SCRIPT = `const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

/** A line of text with a role. */
export const say = (role, text) => make('p', { role }, text);

const field = (label, attributes) => make('div', {}, make('label', { for: attributes.id }, label), make('input', attributes));

const errors = (challenge, name) =>
  (challenge.response_errors?.[name] ?? []).map((error) => say('alert', error.string));

const STYLE = 'label, input { display: block; margin: .5rem 0; } input, button { font: inherit; padding: .4rem; width: 100%; box-sizing: border-box; } [role=alert] { color: #ff9d8a; }';

class Stage extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot !== null) return;
    this.attachShadow({ mode: 'open' });
    this.shadowRoot.append(make('style', {}, STYLE), ...this.content());
    this.shadowRoot.querySelector('input')?.focus();
  }

  /** A form with a button; what is in it is the answer, under the names of the API. */
  form(fields, names, label = 'Continue') {
    const form = make('form', { method: 'POST' });
    form.append(...errors(this.challenge, 'non_field_errors'), ...fields);
    form.append(make('button', { type: 'submit', name: 'continue' }, label));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const answer = {};
      for (const [input, name] of Object.entries(names)) answer[name] = form.querySelector('input[name="' + input + '"]').value;
      this.submit(answer);
    });
    return form;
  }
}

/** Password managers do not look into shadow roots: they get a form of their own in the document, which nobody sees. */
const helperForm = () => {
  if (document.querySelector('form.helper') !== null) return;
  const form = make('form', { class: 'helper', style: 'display: none' });
  form.append(
    make('input', { type: 'text', name: 'username', autocomplete: 'username' }),
    make('input', { type: 'password', name: 'password', autocomplete: 'current-password' }),
    make('input', { type: 'text', name: 'code', autocomplete: 'one-time-code' }),
  );
  document.documentElement.append(form);
};

class IdentificationStage extends Stage {
  content() {
    helperForm();
    const fields = [
      field('Email or Username', { id: 'ak-identifier-input', type: 'text', name: 'uidField', autocomplete: 'username', required: '' }),
      ...errors(this.challenge, 'uid_field'),
    ];
    const names = { uidField: 'uid_field' };
    if (this.challenge.password_fields) {
      fields.push(
        field('Password', { id: 'ak-stage-identification-password', type: 'password', name: 'password', autocomplete: 'current-password', required: '' }),
        ...errors(this.challenge, 'password'),
      );
      names.password = 'password';
    }
    return [make('h1', {}, this.challenge.flow_info.title), this.form(fields, names, this.challenge.primary_action)];
  }
}

class PasswordStage extends Stage {
  content() {
    const input = make('ak-flow-input-password', {});
    input.append(field('Password', { id: 'ak-stage-password-input', type: 'password', name: 'password', autocomplete: 'current-password', required: '' }));
    const who = make('p', {}, this.challenge.pending_user);
    return [who, this.form([input, ...errors(this.challenge, 'password')], { password: 'password' })];
  }
}

class ValidateStage extends Stage {
  content() {
    const [device] = this.challenge.device_challenges;
    if (device?.device_class !== 'totp') return [say('alert', 'No device that this page knows.')];
    const stage = make('ak-stage-authenticator-validate-code', {});
    stage.challenge = this.challenge;
    stage.submit = this.submit;
    return [make('h1', {}, 'Authenticate'), stage];
  }
}

class ValidateCodeStage extends Stage {
  content() {
    const input = field('Authentication code', { id: 'validation-code-input', type: 'text', name: 'code', inputmode: 'numeric', autocomplete: 'one-time-code', required: '' });
    return [this.form([input, ...errors(this.challenge, 'code')], { code: 'code' })];
  }
}

class ConsentStage extends Stage {
  content() {
    const form = make('form', { method: 'POST' }, make('p', {}, this.challenge.header_text), ...errors(this.challenge, 'token'));
    form.append(make('button', { type: 'submit', name: 'continue' }, 'Continue'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit({ token: this.challenge.token });
    });
    return [form];
  }
}

class UserLoginStage extends Stage {
  content() {
    const form = make('form', { method: 'POST' }, make('h1', {}, 'Stay signed in?'));
    for (const [name, label] of [['remember-me', 'Yes'], ['forget-me', 'No']]) {
      const button = make('button', { type: 'submit', name }, label);
      button.addEventListener('click', (event) => {
        event.preventDefault();
        this.submit({ remember_me: name === 'remember-me' });
      });
      form.append(button);
    }
    return [form];
  }
}

class AccessDeniedStage extends Stage {
  content() {
    return [make('h1', {}, 'Permission denied'), make('p', {}, 'Request has been denied.'), say('alert', this.challenge.error_message)];
  }
}

class FlowErrorStage extends Stage {
  content() {
    return [make('h1', {}, 'Whoops!'), say('alert', 'Something went wrong! Please try again later.'), make('p', {}, this.challenge.request_id ?? '')];
  }
}

class CaptchaStage extends Stage {
  content() {
    return [make('p', {}, 'Show that you are no machine.')];
  }
}

const ELEMENTS = {
  'ak-stage-identification': IdentificationStage,
  'ak-stage-password': PasswordStage,
  'ak-stage-authenticator-validate': ValidateStage,
  'ak-stage-authenticator-validate-code': ValidateCodeStage,
  'ak-stage-consent': ConsentStage,
  'ak-stage-user-login': UserLoginStage,
  'ak-stage-access-denied': AccessDeniedStage,
  'ak-stage-flow-error': FlowErrorStage,
  'ak-stage-captcha': CaptchaStage,
};
for (const [name, element] of Object.entries(ELEMENTS)) customElements.define(name, element);

export const STAGE_ELEMENTS = Object.keys(ELEMENTS);
`;
