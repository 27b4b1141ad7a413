// Command kubeadm, linked apart from hyperkube: its flags are global and collide.
package main

import (
	"k8s.io/kubernetes/cmd/kubeadm/app"
	util "k8s.io/kubernetes/cmd/kubeadm/app/util/errors"
)

func main() {
	util.HandleError(app.Run())
}
