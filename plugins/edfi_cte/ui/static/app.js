// The pages work without this script, but for approving. It leads out of Airflow's frame, and triggers a run by Airflow's
// own API with the user's own session. After theme.js.
"use strict";

// Airflow's frame lets no link out: its router is asked to follow instead.
function leadOut(address) {
  if (!host) {
    location.assign(address);
    return;
  }
  host.history.pushState({}, "", address);
  host.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
}

function inParent(link, download) {
  const there = host.document.createElement("a");
  there.href = link.href;
  if (download) there.download = "";
  host.document.body.append(there);
  there.click();
  there.remove();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-airflow-link], a[data-download], a[data-reload]");
  if (!link || !host || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  if ("airflowLink" in link.dataset) leadOut(link.getAttribute("href"));
  else inParent(link, "download" in link.dataset);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

// Approve: a run of the DAG, so that Airflow's permissions and audit log apply.
const dialog = document.getElementById("approve");
let chosen = null;

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-approve]");
  if (button) {
    chosen = button.dataset;
    dialog.querySelector("[data-what]").textContent = chosen.what;
    dialog.querySelector("[data-answer]").textContent = "";
    dialog.querySelector("[data-go]").disabled = false;
    dialog.showModal();
  }
  if (event.target.closest("[data-cancel]")) dialog.close();
});

async function trigger() {
  const answer = dialog.querySelector("[data-answer]");
  const go = dialog.querySelector("[data-go]");
  go.disabled = true;
  answer.textContent = "Triggering a run …";
  const conf = { approve: chosen.approve, scope_year: Number(chosen.year), district_number: chosen.district };
  try {
    const response = await fetch(dialog.dataset.api, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ logical_date: null, conf, note: `Approved: ${chosen.what} (list ${chosen.approve})` }),
    });
    const body = await response.json().catch(() => ({}));
    if (response.ok) {
      const link = document.createElement("a");
      link.href = `${dialog.dataset.runs}/${encodeURIComponent(body.dag_run_id)}`;
      link.dataset.airflowLink = "";
      link.textContent = body.dag_run_id;
      answer.replaceChildren("Approved. The run ", link, " does it, if nothing has changed meanwhile.");
    } else {
      const words = {
        401: "Your session has ended. Sign in to Airflow again, then come back.",
        403: "You may not trigger this DAG.",
        404: "Airflow does not know the DAG: is it deployed and parsed?",
      };
      const detail = typeof body.detail === "string" ? body.detail : "";
      answer.textContent = words[response.status] ?? `Airflow refused (${response.status}). ${detail}`;
      go.disabled = false;
    }
  } catch {
    answer.textContent = "Airflow did not answer. Nothing is known of a new run: look at the DAG before you try again.";
  }
}

dialog?.querySelector("[data-go]").addEventListener("click", trigger);
